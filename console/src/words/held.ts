import type { Word } from '../client';

const missing =
  'So many at once are not believed to be gone. Was the realm restored or replaced? Then mend that first.';

export const title = {
  deactivations: 'Deactivations held:',
  absences: 'Users missing in the realm:',
  groups: 'Groups missing in the realm:',
};
export const why = {
  deactivations: 'A mass deactivation waits until somebody confirms it. Downstream these users are still active.',
  absences: missing,
  groups: missing,
};
export const asked: Record<Word, (some: string) => string> = {
  'deactivations/confirm': users => `Deactivate ${users} downstream?`,
  'deactivations/refuse': users => `Leave ${users} active downstream?`,
  'absences/confirm': users => `Give up ${users} who are missing?`,
  'groups/confirm': groups => `Give up ${groups} that are missing?`,
};
export const some = (word: Word, n: string) => {
  const noun = word === 'groups/confirm' ? 'group' : 'user';
  return n === '1' ? `1 ${noun}` : `${n} ${noun}s`;
};
export const effect: Record<Word, string> = {
  'deactivations/confirm': 'They lose their access to the downstream app at once.',
  'deactivations/refuse': 'Each keeps their access to the downstream app until the user changes again in the realm.',
  'absences/confirm':
    'Whoever is still missing counts as deleted. Downstream happens what Advanced says about deleted users.',
  'groups/confirm': 'What is still missing counts as deleted. The users who were in it stay as they are.',
};
export const decided = (some: string) => `Decided about ${some}.`;
export const more = 'There are more by now. Look again.';
