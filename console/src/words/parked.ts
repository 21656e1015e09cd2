export const intro = 'Set aside, so that they hold up nobody else.';
export const conflictHint = 'The downstream has such a record already. Edit the user, or Link the existing record.';
export const group = 'group';
export const reasons: Record<string, string> = {
  conflict: 'conflict',
  rejected: 'rejected by the downstream',
  'unconfirmed create': 'unconfirmed create',
  'mass deactivation': 'held: one of a mass deactivation',
};
export const attempts = (n: number) => `${n} ${n === 1 ? 'attempt' : 'attempts'}`;
export const linkTitle = 'Link this record?';
export const linkText = 'This downstream record will be kept in step with the realm user.';
export const noCandidate = 'No record was found to link. Retry, or edit the user.';
export const stale = 'The record has changed since you looked. Check it again.';
export const linked = 'Linked.';
export const retried = 'It will be tried again now.';
export const notParked = 'Not parked: nothing waits for you here.';
export const ignored = 'Ignored until the user is edited.';
export const recordId = 'Downstream id';
export const recordName = 'userName';
export const recordDisplay = 'Display name';
export const recordExternal = 'externalId';
export const recordActive = 'Active';
export const yes = 'yes';
export const no = 'no';
export const none = '—';
