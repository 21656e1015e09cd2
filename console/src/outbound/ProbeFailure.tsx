import type { Fault } from '../client';
import { useNumber } from '../context';
import { outbound, webPage } from '../strings';
import { Alert } from '../ui/Alert';
import { Code } from '../ui/Code';

function cause(fault: Fault): string {
  const type = fault.problem?.probe?.content_type?.split(';')[0];
  return fault.code === 'downstream_not_scim' && type?.includes('html') ? webPage(type) : fault.words;
}

/** Which cause it was, and the command that shows the same from outside. */
export function ProbeFailure({ title, fault, saved }: { title: string; fault: Fault; saved?: string }) {
  const number = useNumber();
  const probe = fault.problem?.probe;
  return (
    <Alert title={title} focus>
      <p>{cause(fault)}</p>
      {probe?.url && (
        <>
          {/* No time, no call: an address that Kevra refuses is not asked. */}
          {probe.elapsed_ms != null && (
            <p className="kv-break">
              <code>
                GET {probe.url}
                {probe.status ? ` → ${probe.status}` : ''}
              </code>{' '}
              ({number(probe.elapsed_ms)} ms)
            </p>
          )}
          <p>{outbound.retest}</p>
          {/* The token is not put in: it stays where it was typed. */}
          <Code
            shown={`curl -i -H "Authorization: Bearer $DOWNSTREAM_TOKEN" -H "Accept: application/scim+json" "${probe.url}"`}
          />
        </>
      )}
      {saved && <p>{saved}</p>}
    </Alert>
  );
}
