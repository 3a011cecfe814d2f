// `npm run schemas`: writes the published JSON Schemas.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../base/root.ts';
import { publishedSchemas } from './published-schemas.ts';

const folder = join(packageRoot, 'schemas');
mkdirSync(folder, { recursive: true });
for (const [file, text] of Object.entries(publishedSchemas())) writeFileSync(join(folder, file), text);
