// The budgets, gzip -9. The React entry is counted with everything it imports statically; what it loads later is not.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const KB = 1024;

/** @param {string} file @param {Set<string>} seen */
function withImports(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(dist + file, 'utf8');
  for (const [, name] of text.matchAll(/(?:^|[;}\n])\s*(?:import|export)[^"'`;()]*?["']\.\/([^"']+)["']/g)) {
    if (name) withImports(name, seen);
  }
  return seen;
}

const budgets = [
  { name: 'element', limit: 95, files: ['embed.js'] },
  { name: 'React entry', limit: 25, files: [...withImports('react.js')] },
];
let failed = 0;
for (const { name, limit, files } of budgets) {
  const size = files.reduce((sum, file) => sum + gzipSync(readFileSync(dist + file), { level: 9 }).length, 0) / KB;
  if (size > limit) failed++;
  console.log(`${size > limit ? 'FAIL' : 'ok  '} ${name}: ${size.toFixed(1)} KB of ${limit} KB (${files.join(', ')})`);
}
console.log(`size: ${budgets.length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
