import { z } from 'zod';
import { resultSchema } from '../judge/result.ts';
import { middleboxSchema, scenarioSchema, tuningSchema } from '../plan/schema.ts';
import { sweepSchema } from '../sweep/read-sweep.ts';
import { sweepResultSchema } from '../sweep/result.ts';

const PUBLISHED = {
  'scenario.schema.json': { schema: scenarioSchema, title: 'idlelab scenario', io: 'input' },
  'middlebox.schema.json': { schema: middleboxSchema, title: 'idlelab middlebox profile', io: 'input' },
  'tuning.schema.json': { schema: tuningSchema, title: 'idlelab tuning', io: 'input' },
  'sweep.schema.json': { schema: sweepSchema, title: 'idlelab sweep', io: 'input' },
  'result.schema.json': { schema: resultSchema, title: 'idlelab result', io: 'output' },
  'sweep-result.schema.json': { schema: sweepResultSchema, title: 'idlelab sweep result', io: 'output' },
} as const;

/** The published JSON Schemas, by file name; made from the very schemas that read the files. */
export function publishedSchemas(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(PUBLISHED).map(([file, { schema, title, io }]) => [
      file,
      `${JSON.stringify({ title, ...z.toJSONSchema(schema, { io, target: 'draft-2020-12' }) }, null, 2)}\n`,
    ]),
  );
}
