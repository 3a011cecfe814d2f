import { z } from 'zod';
import { RESET_REASONS, SEGMENT_NAMES } from '../wire/segments.ts';
import { type Ladder, type LadderRow, type Outcome, type Result, resultSchema } from './result.ts';
import { type ResultV1, resultV1Schema } from './result-v1.ts';

// Results of older versions, as this one writes them. What they did not record is null, never guessed.

type ActV1 = ResultV1['acts'][number];

const ROLES = { client: 'client', middlebox: 'middlebox', broker: 'server', server: 'server' } as const;
const roleOf = (role: string) => ROLES[role as keyof typeof ROLES] ?? 'server';
const oneOf = <T extends string>(known: readonly T[], word: string | undefined): T | undefined =>
  known.find((each) => each === word);

/** A segment whose name is not used any more is told of by its flags. */
const OLD_NAMES: Readonly<Record<string, (typeof SEGMENT_NAMES)[number]>> = { handshake: 'SYN' };

function rowOf(row: ActV1['ladder']['rows'][number]): LadderRow {
  if (row.kind !== 'packet') return row;
  const { name, reset, ...same } = row;
  const reason = oneOf(RESET_REASONS, reset);
  return {
    ...same,
    name: oneOf(SEGMENT_NAMES, name) ?? OLD_NAMES[name] ?? 'data',
    ...(reason === undefined ? {} : { reset: reason }),
  };
}

const ladderOf = ({ connection, lanes, rows }: ActV1['ladder']): Ladder => ({
  connection,
  lanes: lanes.map(({ host, role }) => ({ host, role: roleOf(role) })),
  rows: rows.map(rowOf),
});

/** It had one client and one middlebox; which of several servers held the zombies it did not say. */
function outcomeOf({ outcome, ladder }: ActV1): Outcome {
  const { zombies, probesSent, detectionSeconds, ...counted } = outcome;
  const of = (role: keyof typeof zombies) => ladder.lanes.filter((lane) => roleOf(lane.role) === role);
  return {
    ...outcome,
    hosts: Object.fromEntries(
      ladder.lanes.map(({ host, role: word }) => {
        const role = roleOf(word);
        const alone = of(role).length === 1;
        return [host, { role, zombies: alone || zombies[role] === 0 ? zombies[role] : null, probesSent: null }];
      }),
    ),
    clients: Object.fromEntries(of('client').map(({ host }) => [host, counted])),
  };
}

function actOf(act: ActV1): Result['acts'][number] {
  const { ladder, outcome: _, ...same } = act;
  const named = (role: string) => ladder.lanes.filter((lane) => roleOf(lane.role) === role).map(({ host }) => host);
  return {
    ...same,
    outcome: outcomeOf(act),
    paths: named('client').map((client) => ({ client, boxes: named('middlebox'), servers: named('server') })),
    ladders: [ladderOf(ladder)],
  };
}

/** A result of version 1 as version 2 has it. */
export function migrateV1({ middlebox, acts, ...same }: ResultV1): Result {
  const { host, profile, product, idleTimeoutSeconds, productionIdleTimeoutSeconds } = middlebox;
  return {
    ...same,
    schemaVersion: 2,
    middleboxes: [
      {
        host,
        profile,
        product,
        layer: null,
        timers: { idleSeconds: idleTimeoutSeconds },
        productionTimers: { idleSeconds: productionIdleTimeoutSeconds },
      },
    ],
    acts: acts.map(actOf),
  };
}

const version = z.object({ schemaVersion: z.unknown() });

/** Reads a result document of this version or of an older one. */
export function parseResult(document: unknown): z.ZodSafeParseResult<Result> {
  if (version.safeParse(document).data?.schemaVersion !== 1) return resultSchema.safeParse(document);
  const old = resultV1Schema.safeParse(document);
  return old.success ? resultSchema.safeParse(migrateV1(old.data)) : (old as z.ZodSafeParseError<never>);
}
