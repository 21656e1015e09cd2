// The words for what waits for a person.

import type { Word } from '../client';

export const parked = {
  intro: 'Set aside, so that they hold up nobody else.',
  conflictHint: 'The downstream has such a record already. Edit the user, or Link the existing record.',
  group: 'group',
  reasons: {
    conflict: 'conflict',
    rejected: 'rejected by the downstream',
    'unconfirmed create': 'unconfirmed create',
    'mass deactivation': 'held: one of a mass deactivation',
  } as Record<string, string>,
  attempts: (n: number) => `${n} ${n === 1 ? 'attempt' : 'attempts'}`,
  linkTitle: 'Link this record?',
  linkText: 'This downstream record will be kept in step with the realm user.',
  noCandidate: 'No record was found to link. Retry, or edit the user.',
  stale: 'The record has changed since you looked. Check it again.',
  linked: 'Linked.',
  retried: 'It will be tried again now.',
  ignored: 'Ignored until the user is edited.',
  recordId: 'Downstream id',
  recordName: 'userName',
  recordDisplay: 'Display name',
  recordExternal: 'externalId',
  recordActive: 'Active',
  yes: 'yes',
  no: 'no',
  none: '—',
};

const missing =
  'So many at once are not believed to be gone. Was the realm restored or replaced? Then mend that first.';
const users = (n: number) => `Decided about ${n} users.`;

export const held = {
  deactivations: 'Deactivations held:',
  absences: 'Users missing in the realm:',
  groups: 'Groups missing in the realm:',
  why: {
    deactivations: 'A mass deactivation waits until somebody confirms it. Downstream these users are still active.',
    absences: missing,
    groups: missing,
  },
  asked: {
    'deactivations/confirm': n => `Deactivate ${n} downstream?`,
    'deactivations/refuse': n => `Leave ${n} active downstream?`,
    'absences/confirm': n => `Give up ${n} missing users?`,
    'groups/confirm': n => `Give up ${n} missing groups?`,
  } as Record<Word, (n: number) => string>,
  effect: {
    'deactivations/confirm': 'They are deactivated at once.',
    'deactivations/refuse': 'Each stays active until the user changes again.',
    'absences/confirm':
      'Whoever is still missing is no user any more. Downstream, what was chosen for deleted users happens.',
    'groups/confirm': 'What is still missing is no group any more. Its members stay as they are.',
  } as Record<Word, string>,
  decided: {
    'deactivations/confirm': users,
    'deactivations/refuse': users,
    'absences/confirm': users,
    'groups/confirm': n => `Decided about ${n} groups.`,
  } as Record<Word, (n: number) => string>,
  more: 'There are more by now. Look again.',
};
