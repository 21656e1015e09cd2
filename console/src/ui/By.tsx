import { common } from '../strings';

/** Who did it; a name of another writing direction does not turn the line around. */
export function By({ who }: { who?: string | null }) {
  return (
    who && (
      <>
        {' '}
        {common.by} <bdi>{who}</bdi>
      </>
    )
  );
}
