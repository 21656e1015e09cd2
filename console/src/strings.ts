// The words the user sees, but for the guides' and what the server words itself: limits and reasons.

export { label } from './labels';
export { type Option, options } from './options/choices';
export { held, parked } from './outbound/waiting';

export const common = {
  copy: 'Copy',
  copied: 'Copied',
  copyFailed: (mac: boolean) => `Press ${mac ? '⌘C' : 'Ctrl+C'} to copy.`,
  unconfirmed: 'We could not confirm the result.',
  unsure: 'It may have been done. Look again when the server answers, then try again if it was not.',
  save: 'Save',
  saved: 'Saved.',
  invalid: 'This value cannot be used.',
  tryAgain: 'Try again',
  more: 'Show more',
  loading: 'Loading…',
  loadFailed: 'This could not be loaded.',
  previous: 'Previous',
  next: 'Next',
  by: 'by',
  seconds: 's',
  minutes: 'min',
  hours: 'h',
  days: 'd',
  ago: 'ago',
  now: 'just now',
};

export const sync = {
  intro: 'Users in from your identity provider, users out to a downstream app.',
  readOnly: 'Read-only: changes need the right sync:write.',
  ended: 'Your session has ended',
  endedHint: 'Nothing is lost. Reload this page to sign in again.',
  lost: 'The server does not answer right now. This is the state of a moment ago.',
  missing: 'There is no such tenant, or it is not yours to see.',
};

export const inbound = {
  intro: 'Your identity provider pushes users to this realm. Enabling makes a bearer token, shown once.',
  offAgain:
    'Off: your IdP gets 401 on every push until inbound is enabled again. Enabling issues a new token; the old one stays dead.',
  revealTitle: 'Your bearer token',
  revealAdvice: 'Copy it now and store it in your IdP and in a password manager. It will not be shown again.',
  revealRecovery: 'Lost it? Rotate token makes a new one; the previous one stops working immediately.',
  tokenPlain: 'Token alone, for Entra ID',
  tokenPrefixed: 'With the word Bearer, for Okta and Google connectors',
  notCopied: 'You have not copied the token. Close anyway?',
  closeAnyway: 'Close anyway',
  keepOpen: 'Keep it open',
  hiddenTooLong: 'The token was removed after five minutes out of sight. Rotate token to get a new one.',
  alsoValid: 'The earlier URL stays valid:',
  token: 'Token',
  issued: 'Issued',
  expires: 'Expires',
  noRequest: 'none yet',
  reached: (client: string) => `${client} reached this endpoint`,
  rotateTitle: 'Rotate the token?',
  rotateText:
    'The previous token stops working immediately. Put the new value into your IdP before its next provisioning cycle.',
  staleText: 'Rotate again?',
  rotatedBy: 'The token was rotated',
  movedOn: 'The configuration was changed meanwhile; the token is still the same. Rotate it?',
  disableTitle: 'Disable inbound SCIM?',
  disableText:
    'The realm stops accepting SCIM requests: your IdP gets 401 on every push until inbound is enabled again. Enabling issues a new token; the old one stays dead.',
  enabledBy: 'Enabled by',
  undelivered: 'Inbound SCIM is enabled but the token was not delivered. Rotate token to get one.',
  rotatedUndelivered: 'The token was rotated but the new one was not delivered. Rotate token to get one.',
  unchanged: 'Nothing has changed so far. Try again.',
  unsure:
    'It may have been done. When the server answers again: if inbound SCIM is enabled and you have no working token, use Rotate token.',
  replaced:
    'The token that was shown here has stopped working: somebody else rotated it or disabled inbound SCIM. Get the new one from them, or use Rotate token.',
  failed: 'Inbound SCIM was not changed.',
  importing: 'Importing the realm’s users:',
  imported: 'Imported from the realm:',
  verifyTitle: 'Where to check',
  verify:
    'Admin Console → Users: email, firstName and lastName are filled in, Role mappings shows the realm role scim-managed, and a deactivated user is shown as disabled.',
  testHint: 'To test the connection, run this; the answer is 200.',
};

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

export const diagnostics = {
  unauthorized: 'The IdP reports 401',
  unauthorizedFix:
    'Okta and Google connectors need Bearer, one space, the token; Entra ID the token alone. A rotated token gets 401 too.',
  absent: 'Users do not appear',
  absentNever: 'No request has been accepted yet. Check the SCIM base URL and the token in your IdP.',
  absentFix:
    'Requests arrive. Assign the users to the app and turn on Push New Users. Entra ID works in cycles of about 40 minutes.',
  fields: 'Fields are missing',
  fieldsFix: 'Nothing is invented. Map userName, email, given and family name in your IdP, then push the user again.',
  stays: 'Deactivated users stay enabled',
  staysFix: 'Turn on Push User Deactivation in Okta. Entra ID disables unassigned users at its next cycle.',
};

export const outbound = {
  intro:
    'Whatever changes in the realm is pushed to one downstream app: new users and updates appear there within seconds.',
  limits: 'Good to know',
  needMore: 'Need more than one downstream?',
  support: 'Ask Kevra support.',
  urlExample: 'https://downstream.example.com/scim/v2',
  tokenHint: 'The token the downstream expects. Never shown again.',
  bearerHint: 'We add Bearer for you.',
  checking: 'Checking',
  notEnabled: 'Outbound SCIM was not enabled.',
  testFailed: 'The connection test failed.',
  nothingSaved: 'Nothing was saved.',
  retest: 'Re-test from outside Kevra, then fix the downstream side and try again:',
  works: 'The downstream answers and speaks SCIM.',
  noPatch: 'It takes no PATCH: whole records are sent.',
  noFilter: 'It cannot search by externalId.',
  endpoint: 'Downstream endpoint',
  active: 'Active: changes are pushed at once.',
  since: 'Enabled',
  newToken: 'New downstream token? Disable, then Enable outbound SCIM with the new one.',
  nextStep: 'Next step:',
  nextStepLink: 'set up inbound, so that your IdP fills the realm',
  disableTitle: 'Disable outbound SCIM?',
  disableText:
    'Pushes stop: sends in flight end first, then capture in the realm is switched off. Nothing is deleted downstream.',
  disableFailed: 'Outbound SCIM is still enabled.',
  testUserIntro: 'A test user is created downstream, looked up, deactivated and deleted again.',
  testUserOk: 'The downstream took the test user through all steps.',
  testUserFailed: 'A step failed.',
};

export const health = {
  delivering: 'Delivering',
  waiting: (n: string) => `${n} waiting`,
  last: 'last',
  nothingYet: 'nothing delivered yet',
  quarantined: (reason: string, at: string) => `Paused: downstream answers ${reason} since ${at}`,
  held: (at: string) => `Paused since ${at}`,
  quarantineFix: 'Nothing is dropped. If the token changed: Disable, then Enable outbound SCIM with the new one.',
  gone: 'Many records are gone at the downstream. Check it, then Disable and Enable outbound SCIM.',
  pausedUntil: (at: string) => `Paused by the downstream until ${at}`,
  oldest: (age: string) => `oldest ${age}`,
  backfill: 'backfill running',
};

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
  network: 'The server could not be reached. Check your connection.',
  other: 'Something went wrong on our side. Try again.',
};
export const webPage = (type: string) =>
  `The downstream answered with a web page (${type}), not SCIM. Check the base URL.`;

export const backfill = {
  intro:
    'Pushes the users who were there before, and groups where those are pushed. Never starts by itself; a dry run shows what would happen.',
  states: { running: 'running', paused: 'paused', done: 'done', cancelled: 'cancelled' },
  dryTitle: 'Dry run',
  realTitle: 'Backfill',
  progress: (seen: string, total: string | undefined) =>
    total ? `${seen} of ${total} users looked at` : `${seen} users looked at`,
  groups: (seen: string, total: string) => `${seen} of ${total} groups looked at`,
  create: 'to create',
  update: 'to update',
  inStep: 'in step',
  conflict: 'conflicts',
  sample: 'For example',
  actions: { create: 'create', update: 'update', conflict: 'conflict' },
  again: 'Dry run again',
};

export const activity = {
  live: 'Live',
  paused: 'Paused',
  connecting: 'Connecting…',
  direction: 'Direction',
  directions: { '': 'All', in: 'In', out: 'Out', realm: 'Realm' },
  outcome: 'Outcome',
  refused: 'Token refused',
  // What came of a request, by its class.
  classes: {
    unauthorized: 'Unauthorized',
    not_found: 'Not found',
    conflict: 'Conflict',
    stale: 'Changed meanwhile',
    rejected: 'Rejected',
    not_scim: 'Not SCIM',
    throttled: 'Throttled',
    failed: 'Failed',
    ambiguous: 'No clear answer',
    unreachable: 'Unreachable',
    timeout: 'Timed out',
    tls: 'TLS failed',
    address_blocked: 'Address refused',
  },
  user: 'User',
  userId: 'User id',
  userHint: 'userName, e-mail or id',
  empty: 'Nothing has happened yet',
  emptyHint: 'Changes, pushes and refused requests appear here. To see one, create a user:',
  nothingFound: 'Nothing matches the filter.',
  changed: 'Changed',
  andMore: (n: number) => ` and ${n} more`,
  reason: 'Reason',
  duration: 'Took',
  client: 'Client',
  detail: 'Answer',
  steps: 'All steps of this change',
  onlyUser: 'Only this user',
};

/** Outcomes to filter by: classes, comma separated, and what they have in common. */
export const outcomes: Record<string, string> = {
  '': 'All',
  ok: 'Succeeded',
  [Object.keys(rejected).join(',')]: activity.refused,
  unauthorized: activity.classes.unauthorized,
  conflict: activity.classes.conflict,
  'rejected,stale,not_scim': activity.classes.rejected,
  not_found: activity.classes.not_found,
  throttled: activity.classes.throttled,
  'failed,ambiguous,unreachable,timeout,tls,address_blocked': activity.classes.failed,
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
