const RESOURCES = /\/(Users|Groups|ServiceProviderConfig|Schemas|ResourceTypes|Bulk|Me)\/?$/i;
const PORTS = ['', '443', '8443'];

/**
 * The part of a downstream base URL that cannot stay, or nothing. With `development` the server's own rules for http,
 * addresses and ports decide, as it alone knows whether its development flag is set.
 */
export function urlFault(text: string, development = false): string | undefined {
  const trimmed = text.trim();
  if (!trimmed) return 'empty';
  if (!/^https?:\/\//i.test(trimmed) || !URL.canParse(trimmed)) return 'url';
  const url = new URL(trimmed);
  if (url.username || url.password) return 'userinfo';
  // The text itself is asked: `…/v2?` parses to an empty search.
  if (trimmed.includes('#')) return 'fragment';
  if (trimmed.includes('?')) return 'query';
  if (RESOURCES.test(url.pathname)) return 'endpoint';
  if (development) return undefined;
  if (url.protocol !== 'https:') return 'scheme';
  // The parser turns every spelling of an IPv4 address (decimal, octal, hexadecimal) into four numbers.
  if (/^[\d.]+$|^\[/.test(url.hostname)) return 'ip';
  if (!PORTS.includes(url.port)) return 'port';
  return undefined;
}

/** People paste the whole header; the word is ours to add. */
export function bareToken(text: string): string {
  return text.trim().replace(/^bearer\s+/i, '');
}
