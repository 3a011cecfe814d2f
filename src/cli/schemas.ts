// `npm run schemas`: writes the published JSON Schemas.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { EXIT } from '../base/errors.ts';
import { packageRoot } from '../base/root.ts';
import { runCommand } from './command.ts';
import { publishedSchemas } from './published-schemas.ts';

const program = new Command('schemas').description('Writes the published JSON Schemas into schemas/.');

await runCommand(program, async () => {
  const folder = join(packageRoot, 'schemas');
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(await publishedSchemas())) writeFileSync(join(folder, file), text);
  return EXIT.asExpected;
});
