// The budgets, gzip -9. Both are single files, so this is all a host loads.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const KB = 1000;

const budgets = [
  { name: 'element', limit: 95, file: 'embed.js' },
  { name: 'React entry', limit: 25, file: 'react.js' },
];
let failed = 0;
for (const { name, limit, file } of budgets) {
  const size = gzipSync(readFileSync(dist + file), { level: 9 }).length / KB;
  if (size > limit) failed++;
  console.log(`${size > limit ? 'FAIL' : 'ok  '} ${name}: ${size.toFixed(1)} KB of ${limit} KB (${file})`);
}
console.log(`size: ${budgets.length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
