import { common } from '../strings';
import { Who } from './Who';

export function By({ who }: { who?: string | null }) {
  return (
    who && (
      <>
        {' '}
        {common.by} <Who name={who} />
      </>
    )
  );
}
