"""A process of the previous release sends nothing for a postback whose receiver wants to be asked as it does not know.

It would send without credentials. So the secret headers of such a postback get a mark that is no token: a process that
cannot read a secret leaves the deliveries where they are. Those of this release leave the mark out
(`postbacks.models.secret_headers`). Undone, the marks stay, so that nothing is sent that lacks its credentials.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION postbacks_mark_newer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    mark CONSTANT text := '(needs the newer release)';
BEGIN
    NEW.secret_headers := (
        SELECT coalesce(jsonb_agg(pair.value ORDER BY pair.ordinality), '[]')
        FROM jsonb_array_elements(NEW.secret_headers) WITH ORDINALITY AS pair
        WHERE pair.value ->> 0 IS DISTINCT FROM mark
    );
    IF NEW.authentication <> 'none' OR NEW.client_certificate <> '' OR NEW.trusted_authorities <> '' THEN
        NEW.secret_headers := NEW.secret_headers || jsonb_build_array(jsonb_build_array(mark, '-'));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER mark_newer
BEFORE INSERT OR UPDATE OF secret_headers, authentication, client_certificate, trusted_authorities ON postbacks_postback
FOR EACH ROW EXECUTE FUNCTION postbacks_mark_newer();
"""
DROP = "DROP TRIGGER mark_newer ON postbacks_postback; DROP FUNCTION postbacks_mark_newer"


class Migration(migrations.Migration):
    dependencies = [("postbacks", "0021_how_receivers_ask")]

    operations = [migrations.RunSQL(CREATE, DROP)]
