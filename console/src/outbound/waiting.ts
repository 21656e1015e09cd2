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
  notParked: 'Not parked: nothing waits for you here.',
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

export const held = {
  deactivations: 'Deactivations held:',
  absences: 'Users missing in the realm:',
  why: {
    deactivations: 'A mass deactivation waits until somebody confirms it. Downstream these users are still active.',
    absences: 'So many at once are not believed to be gone. Was the realm restored or replaced? Then mend that first.',
  },
  asked: {
    'deactivations/confirm': users => `Deactivate ${users} downstream?`,
    'deactivations/refuse': users => `Leave ${users} active downstream?`,
    'absences/confirm': users => `Give up ${users} who are missing?`,
  } as Record<Word, (users: string) => string>,
  users: (n: string) => (n === '1' ? '1 user' : `${n} users`),
  effect: {
    'deactivations/confirm': 'They lose their access to the downstream app at once.',
    'deactivations/refuse': 'Each keeps their access to the downstream app until the user changes again in the realm.',
    'absences/confirm':
      'Whoever is still missing counts as deleted. Downstream happens what Advanced says about deleted users.',
  } as Record<Word, string>,
  decided: (users: string) => `Decided about ${users}.`,
  more: 'There are more by now. Look again.',
};
