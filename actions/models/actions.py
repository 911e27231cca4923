"""What was converted: actions with their items, and every event of their lives."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KT
from django.db.models.functions import Now

from partners.models import ActionTracker, ContractTerm, Figures, Partner, Program, currency_field
from partners.money_column import MoneyField
from tracing.marks import LONGEST as LONGEST_MARK


class Action(models.Model):
    """One conversion, as it stands now. What it was at each moment is in its events."""

    class Status(models.TextChoices):
        PENDING = "PENDING", "Pending"
        APPROVED = "APPROVED", "Approved"
        REVERSED = "REVERSED", "Reversed"

    # No foreign keys in the database to any of the four: a recording holds the rows of all its new actions at once
    # (`actions.recording.holding`), triggers look after everybody else.
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="actions", db_constraint=False)
    action_tracker = models.ForeignKey(
        ActionTracker,
        on_delete=models.PROTECT,
        related_name="actions",
        verbose_name="event type",
        db_constraint=False,
        db_index=False,  # The order id's constraint begins with it.
    )
    partner = models.ForeignKey(
        Partner,
        on_delete=models.PROTECT,
        related_name="actions",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,  # The index of a partner's newest actions begins with it.
    )
    contract_term = models.ForeignKey(
        ContractTerm,
        on_delete=models.PROTECT,
        related_name="actions",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,  # The index of a term's months begins with it.
        help_text="The term that pays for it: of the contract that was active at the event date.",
    )
    no_payout_reason = models.CharField(
        max_length=50,
        blank=True,
        help_text="Why nobody is paid: the reason code, such as CONTRACT_NOT_FOUND.",
    )

    order_id = models.CharField(max_length=255)
    order_repeat = models.PositiveIntegerField(
        default=0, help_text="How many earlier actions of the event type carry this order id."
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    status_detail = models.CharField(max_length=100, blank=True)
    event_date = models.DateTimeField()
    event_utc_offset_minutes = models.SmallIntegerField(
        default=0, help_text="The UTC offset in which the event date was reported, and is shown."
    )
    created_at = models.DateTimeField(db_default=Now())
    locking_date = models.DateTimeField()
    clearing_date = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True, blank=True, editable=False)

    original_currency = currency_field(help_text="Of the cart.")
    original_amount = MoneyField(help_text="After discounts.")
    order_discount = MoneyField(
        null=True, blank=True, help_text="Of the whole order, as reported, in the cart's currency."
    )
    amount = MoneyField(help_text="In the program's currency.")
    intended_amount = MoneyField()
    payout = MoneyField(help_text="In the partner's currency.")
    intended_payout = MoneyField()

    # As they were when it was recorded; null where an earlier release has recorded it.
    program_currency = models.CharField(max_length=3, null=True, blank=True)  # noqa: DJ001 -- null is not known
    partner_currency = models.CharField(  # noqa: DJ001 -- as above; empty is that no partner is credited
        max_length=3, null=True, blank=True
    )
    term_figures = models.JSONField(null=True, editable=False)
    # Written with its first change; null is that it has none, or that an earlier release has written it.
    created_worth = models.JSONField(null=True, editable=False)
    # Between its currencies, as fractions by "EUR USD"; null is that it has one currency, or as above.
    rates = models.JSONField(null=True, editable=False)
    net_lines = models.BooleanField(
        null=True, blank=True, help_text="Discounts had been taken off what was reported; unknown counts as yes."
    )

    event_code = models.CharField(max_length=100, blank=True, help_text="Mobile apps: the in-app event.")
    media_source_ids = ArrayField(
        models.BigIntegerField(), default=list, blank=True, help_text="Networks that took part in the action."
    )
    reported = models.JSONField(
        default=dict, blank=True, help_text="Every other parameter, by its name, as it was reported."
    )

    class Meta:
        ordering = ("-id",)
        permissions = [("view_personal_data", "Can see personal data of customers")]
        constraints = [
            # An order id may come again only after the dedup window; recording counts its uses, this makes two
            # reports at the same moment agree on the number, so that one of them is told it is a repeat.
            # Also read by: finding the newest action of an order id.
            models.UniqueConstraint(
                fields=["action_tracker", "order_id", "order_repeat"], name="order_id_once_per_window"
            ),
            models.CheckConstraint(
                condition=Q(partner__isnull=False) | Q(contract_term__isnull=True),
                name="term_only_with_a_partner",
            ),
        ]
        indexes = [
            # Counting a term's actions and payout of a month, for its limits.
            models.Index(fields=["contract_term", "event_date"], name="action_term_month"),
            # Finding what is due to lock, and then to clear; an action is in one of them for its first weeks only.
            models.Index(fields=["locking_date"], name="action_to_lock", condition=Q(status="PENDING")),
            models.Index(
                fields=["clearing_date"],
                name="action_to_clear",
                condition=Q(status="APPROVED", cleared_at__isnull=True),
            ),
            # The delivery log's search by click id; of those actions that have one.
            models.Index(
                KT("reported__RefClickId"), condition=Q(reported__has_key="RefClickId"), name="action_click_id"
            ),
            # The newest actions of a partner, on its page and in the list of actions.
            models.Index(fields=["partner", "id"], name="action_of_partner"),
            # The admin's list of one order id across event types.
            models.Index(fields=["order_id"], name="action_order_id"),
            # The API's lists by these dates, page by page; the program is compared in the index.
            models.Index(fields=["event_date", "id", "program"], name="action_event_date"),
            models.Index(fields=["locking_date", "id", "program"], name="action_locking_date"),
        ]

    def __str__(self) -> str:
        return self.action_id

    @property
    def action_id(self) -> str:
        """The public id: `program.tracker.sequence`, such as `1000.2001.158133`."""
        return f"{self.program_id}.{self.action_tracker_id}.{self.pk}"

    @property
    def account_currency(self) -> str:
        """The currency of `amount`: the program's, as it was when the action was recorded."""
        return self.program_currency or self.program.first_currency or self.program.currency

    @property
    def payout_currency(self) -> str:
        """The currency of `payout`: the partner's, as it was when the action was recorded; empty without a partner."""
        if self.partner_currency is not None:
            return self.partner_currency
        return "" if self.partner is None else self.partner.first_currency or self.partner.currency

    @property
    def figures(self) -> Figures | None:
        """What its term pays for it, as the term was when the action was recorded; None without a term."""
        term = self.contract_term
        if term is None:
            return None
        kept = self.term_figures or term.first_figures
        return Figures.read(kept) if kept else term.figures

    @property
    def counts_discounts(self) -> bool:
        """Whether discounts come off what is reported. Not off what an earlier release has counted without them."""
        return self.net_lines is False


class Item(models.Model):
    """One line of the order, after discounts: `sub_total` in the cart's currency, `amount` the same in the program's.

    Its own discount and its share of the order's are in the cart's currency too. What came before them is the sum.
    """

    # The position's constraint begins with it, so it needs no index of its own. No foreign key in the database: a
    # transaction that writes a line has inserted the action or holds its row lock, and a trigger refuses to delete
    # actions that have lines or events.
    action = models.ForeignKey(
        Action, on_delete=models.CASCADE, related_name="items", db_index=False, db_constraint=False
    )
    position = models.PositiveIntegerField(help_text="From 1, in the order in which the lines were first reported.")
    sku = models.CharField(max_length=255, blank=True)
    category = models.CharField(max_length=255, blank=True)
    name = models.CharField(max_length=255, blank=True)
    quantity = models.IntegerField(default=1)
    sub_total = MoneyField(default=0)
    amount = MoneyField(default=0)
    discount = MoneyField(null=True, blank=True, help_text="The line's own, all pieces together.")
    order_share = MoneyField(null=True, blank=True, help_text="Its share of the order's discount.")
    # How the discount was reported, if not as an amount: it follows what the line costs.
    discount_each = MoneyField(null=True, editable=False)
    discount_rate = MoneyField(null=True, editable=False)
    # As receivers are told it, by its name in templates: brand, part number, free fields.
    told = models.JSONField(null=True, editable=False)

    class Meta:
        ordering = ("action", "position")
        constraints = [models.UniqueConstraint(fields=["action", "position"], name="item_position_once_per_action")]

    def __str__(self) -> str:
        return f"{self.position}. {self.sku or self.name or self.category}"

    @property
    def reported_sub_total(self) -> Decimal:
        """What the line costs as `SubTotal` is reported: before discounts where they come off."""
        sub_total: Decimal = self.sub_total
        if self.action.counts_discounts:
            sub_total += (self.discount or 0) + (self.order_share or 0)
        return sub_total


class ActionEvent(models.Model):
    """One moment in an action's life, kept as it was then.

    `parameters` is the frozen snapshot: parameter name to rendered value, absent ones left out, and `items`,
    a list of objects with the item attributes. The ids of one action's events rise in the order of recording.
    """

    class Kind(models.TextChoices):
        CREATED = "created", "Created"
        MODIFIED = "modified", "Modified"
        REVERSED = "reversed", "Reversed"
        RESTORED = "restored", "Restored"
        LOCKED = "locked", "Locked"
        CLEARED = "cleared", "Cleared"

    # Events whose date no contract fixes. Only these fire postbacks.
    NON_STANDARD = (Kind.CREATED, Kind.MODIFIED, Kind.REVERSED, Kind.RESTORED)

    # The number's constraint begins with it, so it needs no index of its own. No foreign key, as that of lines.
    action = models.ForeignKey(
        Action, on_delete=models.PROTECT, related_name="events", db_index=False, db_constraint=False
    )
    number = models.PositiveIntegerField(help_text="From 1, within the action.")
    kind = models.CharField(max_length=10, choices=Kind)
    recorded_at = models.DateTimeField(db_default=Now())
    parameters = models.JSONField()
    trace = models.CharField(  # noqa: DJ001 -- empty but for what is traced
        max_length=LONGEST_MARK, null=True, blank=True, editable=False, help_text="Where its trace goes on."
    )

    class Meta:
        verbose_name = "action event"
        ordering = ("-id",)
        constraints = [models.UniqueConstraint(fields=["action", "number"], name="event_number_once_per_action")]
        # The API's lists of updates by their time, and of actions by that of the latest.
        indexes = [models.Index(fields=["recorded_at", "id"], name="event_recorded_at")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, event {self.number} of action {self.action_id}"
