import curl from '../../../docs/guides/curl.md?raw';
import entra from '../../../docs/guides/entra-id.md?raw';
import google from '../../../docs/guides/google-workspace.md?raw';
import okta from '../../../docs/guides/okta.md?raw';
import { masked } from '../inbound/mask';
import { guide, label } from '../strings';
import { Code } from '../ui/Code';
import { Tabs } from '../ui/Tabs';
import { inline, parse } from './markdown';

const GUIDES = { okta, entra, google, curl };

const fill = (text: string, baseUrl: string, secret = '') =>
  text.replaceAll('{{base_url}}', baseUrl).replaceAll('{{token}}', secret || guide.tokenPlace);

/** The guide's command that creates a user: the first change there is to see. */
export const createUser = (baseUrl: string) =>
  fill(parse(GUIDES.curl).findLast(block => block.kind === 'code')?.text ?? '', baseUrl);

interface Props {
  baseUrl: string;
  /** The token, while it is revealed; copying a command puts it in, the screen shows it masked. */
  token: string;
}

/** The guides of the documentation, filled with this tenant's values. */
export function IdpGuide({ baseUrl, token }: Props) {
  const secret = token && masked(token);
  const see = (text: string) => fill(text, baseUrl, secret);
  return (
    <details className="kv-details">
      <summary>{label.setUp}</summary>
      <Tabs title={label.setUp} tabs={guide.tabs}>
        {tab =>
          parse(GUIDES[tab]).map((block, at) => {
            // With another token it is another text: nothing of how the last one was shown may stay.
            const key = `${tab}${at}${secret}`;
            if (block.kind === 'heading') return <h4 key={key}>{block.text}</h4>;
            if (block.kind === 'text') return <p key={key}>{inline(see(block.text))}</p>;
            if (block.kind === 'code')
              return <Code key={key} shown={see(block.text)} text={fill(block.text, baseUrl, token)} />;
            const List = block.kind;
            return (
              <List key={key}>
                {block.items.map(item => (
                  <li key={item}>{inline(see(item))}</li>
                ))}
              </List>
            );
          })
        }
      </Tabs>
    </details>
  );
}
