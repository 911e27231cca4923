// Tells the server which time zone to use.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) {
    const secure = window.location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `time_zone=${zone}; path=/; max-age=31536000; SameSite=Lax${secure}`;
  }
})();
