// The words the user sees, but for the guides' and what the server words itself: limits and reasons. Those of src/words are
// named one by one, not in an object: so the build leaves the names out, a fiftieth of the component's budget.

import { disabled, enabled } from './labels';
import { classes, refused } from './words/activity';

export * as label from './labels';
export { type Option, options } from './options/choices';
export * as activity from './words/activity';
export * as backfill from './words/backfill';
export * as common from './words/common';
export * as diagnostics from './words/diagnostics';
export * as health from './words/health';
export * as held from './words/held';
export * as inbound from './words/inbound';
export * as outbound from './words/outbound';
export * as parked from './words/parked';
export * as sync from './words/sync';

/** A badge's word. */
export const badge = { enabled, disabled };

// What went wrong with the last refused request, and what mends it.
export const rejected: Record<string, string> = {
  no_bearer: 'No “Bearer” before the token. Enter Bearer, one space, the token.',
  doubled_bearer: 'Doubled “Bearer”. Your IdP adds it itself: enter the token alone.',
  unusable: 'No usable Authorization header. Enter the token in your IdP.',
  malformed: 'Not a token of ours, or part of it is missing. Use Rotate token.',
  rotated: 'Put the new token into your IdP.',
  disabled: 'Inbound was disabled. Enable it and put the new token into your IdP.',
  expired: 'Use Rotate token.',
  elsewhere: 'The token is of another tenant or host. Check the SCIM base URL.',
  unknown: 'An unknown token. Use Rotate token.',
};

/** When a token died is known to the server alone, so its words go first. */
const DATED = ['rotated', 'expired'];

/** What the server words as part of a sentence. */
export const sentence = (text: string) => `${text[0]?.toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;

/** Why a request was refused and what mends it: by the class where there are words for it, else as the server noted it. */
export function refusal({ class: kind, reason }: { class: string; reason?: string | null }): string {
  const words = rejected[kind];
  if (!words) return reason ?? '';
  return DATED.includes(kind) && reason ? `${sentence(reason)} ${words}` : words;
}

/** What it was; what mends it comes after. */
export const firstSentence = (text: string) => text.split(/(?<=\.) /)[0] ?? '';

export const urlFault: Record<string, string> = {
  empty: 'Enter the base URL.',
  url: 'This is not a URL.',
  scheme: 'The URL must begin with https://, not http://.',
  userinfo: 'Take the user name and password out.',
  query: 'Take the query (?…) off.',
  fragment: 'Take the fragment (#…) off.',
  ip: 'Name a host, not an IP address.',
  port: 'This port is not one Kevra may call.',
  host: 'The host may have letters, digits, dots and hyphens only.',
  endpoint: 'Give the base URL, without /Users or the like at its end.',
  refused: 'This URL cannot be used.',
  token: 'Enter the token the downstream expects, without spaces.',
};

export const problem: Record<string, string> = {
  downstream_unauthorized:
    'The downstream answered 401 Unauthorized. Check that the token is current and may use SCIM.',
  downstream_not_found: 'The downstream answered 404 Not Found. Check the base URL.',
  downstream_not_scim: 'The downstream did not answer with SCIM. Check the base URL.',
  downstream_tls: 'The TLS connection failed. Check the downstream’s certificate.',
  downstream_timeout: 'The downstream did not answer in time.',
  downstream_unreachable: 'The downstream could not be reached. Check the host name.',
  address_blocked: 'This address is not reachable from Kevra.',
  already_enabled: 'It is already enabled.',
  already_running: 'A backfill is already running.',
  not_enabled: 'It is not enabled any more.',
  stale: 'Somebody else changed this first.',
  forbidden: 'You do not have the right to do this.',
  realm_refused: 'The realm could not be set up. Nothing was changed.',
  taken: 'This name is taken.',
  unavailable: 'The service is not available. Try again in a moment.',
  invalid_request: 'One of the values was not accepted. Check them.',
  network: 'The server could not be reached. Check your connection.',
  other: 'Something went wrong on our side. Try again.',
};
export const webPage = (type: string) =>
  `The downstream answered with a web page (${type}), not SCIM. Check the base URL.`;

/** Outcomes to filter by: classes, comma separated, and what they have in common. */
export const outcomes: Record<string, string> = {
  '': 'All',
  ok: 'Succeeded',
  [Object.keys(rejected).join(',')]: refused,
  unauthorized: classes.unauthorized,
  conflict: classes.conflict,
  'rejected,stale,not_scim': classes.rejected,
  not_found: classes.not_found,
  throttled: classes.throttled,
  'failed,ambiguous,unreachable,timeout,tls,address_blocked': classes.failed,
};

export const guide = {
  tabs: { okta: 'Okta', entra: 'Entra ID', google: 'Google Workspace', curl: 'curl' },
  tokenPlace: 'YOUR_TOKEN',
  copyCode: 'Copy command',
};

export const page = {
  title: 'Kevra console',
  brand: 'Kevra',
  breadcrumb: 'Breadcrumb',
  deployments: 'Deployments',
  skip: 'Skip to content',
  demo: 'Demo data. Nothing here is real.',
  search: 'Search tenants',
  searchHint: 'Name, slug or realm',
  range: (from: string, to: string, total: string) => `${from}–${to} of ${total}`,
  noTenants: 'No tenants yet',
  noTenantsHint: 'A tenant appears here as soon as its realm is deployed.',
  noMatch: 'No tenant matches this search.',
  signingIn: 'Signing you in…',
  signedOut: 'Sign in to go on',
  endedTitle: 'Your session has ended',
  endedText: 'Open this console again from where you came from. Every link signs you in once; nothing is lost.',
  noSignIn: 'This page has no sign-in of its own',
  noSignInText:
    'Open the identity sync panels in the console you manage your deployments with. Links that sign in here are the demo’s.',
  demoText: 'In the demo, scripts/demo link prints another link while the demo runs.',
  codeFailed: 'This sign-in link was used already or is too old.',
  newTab: '(opens in a new tab)',
};

export const people = {
  title: 'People',
  intro: 'The users of this embedded realm. Changes here are picked up like any change in a realm.',
  create: 'New user',
  edit: 'Edit',
  enable: 'Enable',
  disable: 'Disable',
  username: 'User name',
  email: 'E-mail',
  first: 'First name',
  last: 'Last name',
  empty: 'No users yet',
  emptyHint: 'Create one here, or let your IdP push them.',
  createTitle: 'Create a user',
  editTitle: (name: string) => `Edit ${name}`,
  needName: 'Enter a user name.',
  forbidden: 'Your sign-in does not include the right realm:write.',
};
