import { Who } from './Who';

/** Names and values, one below the other; a value that is not there is left out, or replaced. */
export function Facts({ facts, none }: { facts: [name: string, value?: string | null][]; none?: string }) {
  return (
    <dl className="kv-record">
      {facts.map(
        ([name, value]) =>
          (value || none) && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <Who name={value || none || ''} />
              </dd>
            </div>
          ),
      )}
    </dl>
  );
}
