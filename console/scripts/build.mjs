// Three outputs of one source: the page, the element, the React component; then compressed forms of
// them and, last of all, the manifest with the element's hash.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import ts from 'typescript';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const shared = {
  root,
  configFile: /** @type {const} */ (false),
  logLevel: /** @type {const} */ ('warn'),
  base: '/console/',
  plugins: [react()],
};
const target = 'es2023';
// light-dark() is kept as it is: its compiled form would need the host's cooperation.
const cssTarget = ['chrome123', 'firefox121', 'safari17.5'];

await build({ ...shared, build: { target, cssTarget, emptyOutDir: true, modulePreload: { polyfill: false } } });

/** One file with everything but what is external. @param {string} name @param {RegExp[]} external */
const library = (name, external) =>
  build({
    ...shared,
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      target,
      cssTarget,
      emptyOutDir: false,
      copyPublicDir: false,
      modulePreload: false,
      rollupOptions: {
        input: `${root}entry/${name === 'embed' ? 'element' : name}.tsx`,
        external,
        preserveEntrySignatures: 'strict',
        // Words go where they are used: no name leads there.
        optimization: { inlineConst: true },
        output: { format: 'es', entryFileNames: `${name}.js`, codeSplitting: false },
      },
    },
  });

await library('embed', []);
await library('react', [/^react(-dom)?($|\/)/]);

// The component's types in one file: what it imports of ours is put before it.
const types = ['src/props.ts', 'entry/react.tsx'].map(name => {
  const compilerOptions = { jsx: ts.JsxEmit.ReactJSX, isolatedDeclarations: true };
  const { outputText, diagnostics } = ts.transpileDeclaration(readFileSync(root + name, 'utf8'), { compilerOptions });
  if (diagnostics?.length) throw new Error(ts.formatDiagnostics(diagnostics, ts.createCompilerHost({})));
  return outputText.replace(/^import .* from '\.\.\/.*\n/gm, '');
});
writeFileSync(`${root}dist/react.d.ts`, types.join(''));

const assets = readdirSync(`${root}dist/assets`).map(name => `assets/${name}`);
for (const name of ['embed.js', 'react.js', ...assets]) {
  writeFileSync(`${root}dist/${name}.gz`, gzipSync(readFileSync(`${root}dist/${name}`), { level: 9 }));
}

const embed = readFileSync(`${root}dist/embed.js`);
const integrity = `sha384-${createHash('sha384').update(embed).digest('base64')}`;
const manifest = { page: 'index.html', assets, embed: { file: 'embed.js', integrity }, react: 'react.js' };
writeFileSync(`${root}dist/manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);
