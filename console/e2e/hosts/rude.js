// Style as rude as a host's can be. The host's own buttons stay in sight and readable, for the tests to press.
const rude = new CSSStyleSheet();
rude.replaceSync(`
  * { color: red !important; font-family: fantasy !important; text-transform: uppercase !important; }
  [data-host] { background: black !important; }
  button:not([data-host]), input, textarea, dialog { display: none !important; }
`);
document.adoptedStyleSheets = [rude];
