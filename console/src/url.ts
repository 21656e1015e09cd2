const RESOURCES = /\/(Users|Groups|ServiceProviderConfig|Schemas|ResourceTypes|Bulk|Me)\/?$/i;

/**
 * The part of a downstream base URL that cannot stay, or nothing. Which ports it may have the server alone knows; with
 * `development` its rules for http and addresses decide too.
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
  return undefined;
}

/** People paste the whole header; the word is ours to add. */
export function bareToken(text: string): string {
  return text.trim().replace(/^bearer\s+/i, '');
}
