// What of idlelab goes into the image: its programs, bundled, and the one native module. Runs in the image's build, in a
// clone of the repository or in the published package.
//
// usage: content.mjs <folder>
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [output] = process.argv.slice(2);
const root = fileURLToPath(new URL('../..', import.meta.url));
const source = join(root, 'src/engines/bundle.ts');
const { bundleLab } = await import(existsSync(source) ? source : join(root, 'dist/src/engines/bundle.js'));

mkdirSync(output, { recursive: true });
await bundleLab(output);
writeFileSync(join(output, 'package.json'), '{ "name": "idlelab", "private": true, "type": "module" }\n');
cpSync(join(root, 'lab'), join(output, 'lab'), { recursive: true });

// Its binary is a package of its own, named after the platform.
const require = createRequire(join(root, 'package.json'));
const koffi = dirname(require.resolve('koffi'));
cpSync(koffi, join(output, 'node_modules/koffi'), {
  recursive: true,
  filter: (file) => !/\/(doc|vendor)$/.test(file),
});
const { optionalDependencies = {} } = JSON.parse(readFileSync(join(koffi, 'package.json'), 'utf8'));
for (const name of Object.keys(optionalDependencies)) {
  const folder = join(koffi, '..', name);
  if (existsSync(folder)) cpSync(folder, join(output, 'node_modules', name), { recursive: true });
}
