"""What a partner sees. Each page is a view of `visit.page`, which lets in who has opened a link."""
