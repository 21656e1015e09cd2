export const lines = { live: 'Live', paused: 'Paused', connecting: 'Connecting…' };
export const direction = 'Direction';
export const directions = { '': 'All', in: 'In', out: 'Out', realm: 'Realm' };
export const outcome = 'Outcome';
export const refused = 'Token refused';
// What came of a request, by its class.
export const classes = {
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
};
export const user = 'User';
export const userId = 'User id';
export const userHint = 'userName, e-mail or id';
export const empty = 'Nothing has happened yet';
export const emptyHint = 'Changes, pushes and refused requests appear here. To see one, create a user:';
export const nothingFound = 'Nothing matches the filter.';
export const changed = 'Changed';
export const andMore = (n: number) => ` and ${n} more`;
export const reason = 'Reason';
export const duration = 'Took';
export const client = 'Client';
export const detail = 'Answer';
export const steps = 'All steps of this change';
export const onlyUser = 'Only this user';
