import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../src/base/root.ts';
import { publishedSchemas } from '../src/cli/published-schemas.ts';
import { judged } from './helpers/fixture.ts';

const published = publishedSchemas();
const validator = (file: string) => new Ajv2020({ allErrors: true }).compile(JSON.parse(published[file] as string));

describe('the published schemas', () => {
  it.each(Object.keys(published))('%s is the one that the code reads by (npm run schemas)', (file) =>
    expect(readFileSync(join(packageRoot, 'schemas', file), 'utf8')).toBe(published[file]),
  );

  it.each(
    ['scenario', 'middlebox', 'tuning', 'sweep'].flatMap((kind) => {
      const folder = kind === 'middlebox' ? 'middleboxes' : `${kind}s`;
      return readdirSync(join(packageRoot, 'lab', folder)).map((file) => [kind, folder, file]);
    }),
  )('accept every shipped %s: lab/%s/%s', (kind, folder, file) => {
    const validate = validator(`${kind}.schema.json`);
    validate(parse(readFileSync(join(packageRoot, 'lab', folder as string, file as string), 'utf8')));
    expect(validate.errors).toBeNull();
  });

  it.each(['rebalance', 'reset', 'reset-both', 'black-hole', 'proxy-close', 'lost-fin'])(
    'accept the result of %s',
    async (scenario) => {
      const validate = validator('result.schema.json');
      validate(JSON.parse(JSON.stringify(await judged(scenario))));
      expect(validate.errors).toBeNull();
    },
  );

  it('refuse a scenario with an unknown key', () => {
    const validate = validator('scenario.schema.json');
    const scenario = parse(readFileSync(join(packageRoot, 'lab/scenarios/rebalance.yaml'), 'utf8'));
    expect(validate({ ...scenario, surprise: 1 })).toBe(false);
  });
});
