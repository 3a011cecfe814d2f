import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ActionStep, HostPlan } from '../../src/plan/plan.ts';
import { BOXES, LIBRARIES, SERVERS, VERBS } from '../../src/stage/catalogue.ts';

const HOSTS: Record<HostPlan['role'], HostPlan> = {
  client: { role: 'client', name: 'web', library: 'tcp', connections: 3 },
  server: { role: 'server', name: 'mq', group: 'mq', server: 'tcp' },
  middlebox: {
    role: 'middlebox',
    name: 'nlb',
    profile: 'aws-nlb',
    product: 'AWS NLB',
    layer: 'L4',
    timers: { idleSeconds: 350 },
    productionTimers: { idleSeconds: 350 },
    refreshedBy: 'any-packet',
    playedBy: { conntrack: 'reset-sender' },
    entrance: true,
    hidesClients: false,
  },
};

/** Parameters that a verb cannot do without. */
const NEEDED: Record<string, Record<string, unknown>> = { delay: { by: '50ms' } };

const stepOf = (action: string, params: Record<string, unknown>): ActionStep => ({
  kind: 'action',
  host: 'x',
  action,
  params,
  takesAway: 'nothing',
  awaited: true,
});

describe.each(VERBS.names())('the verb %s', (name) => {
  it('says in one line what it is about, and who can do it', async () => {
    const { default: verb } = await VERBS.load(name);
    expect(verb.about).toMatch(/^\S[^\n]{10,}[^.\s]$/);
    expect(verb.who.length).toBeGreaterThan(0);
    expect(['peer', 'path', 'nothing']).toContain(verb.takesAway);
  });
  it('takes a map of parameters, no unknown one, and describes each', async () => {
    const { default: verb } = await VERBS.load(name);
    expect(verb.params).toBeInstanceOf(z.ZodObject);
    expect(verb.params.safeParse({ ...NEEDED[name], nothingOfTheKind: 1 }).success).toBe(false);
    for (const [key, type] of Object.entries((verb.params as z.ZodObject).shape)) {
      const inner = type instanceof z.ZodOptional || type instanceof z.ZodDefault ? type.unwrap() : type;
      expect(
        `${key}: ${(type as z.ZodType).description ?? (inner as z.ZodType).description}`,
        'each parameter has a description',
      ).not.toMatch(/: undefined$/);
    }
  });
  it('is told in a sentence without a lab', async () => {
    const { default: verb } = await VERBS.load(name);
    const params = verb.params.parse(NEEDED[name] ?? {}) as Record<string, unknown>;
    for (const role of verb.who) {
      const host = HOSTS[role];
      const said = verb.say({ ...stepOf(name, params), host: host.name }, host);
      expect(said).toContain(host.name);
      expect(said).not.toMatch(/undefined|NaN|\[object|[.\n]$/);
    }
  });
});

describe('what offers verbs', () => {
  it('names only verbs that are there and that must be offered', async () => {
    const offered: string[] = [];
    for (const name of VERBS.names()) if ((await VERBS.load(name)).default.offered) offered.push(name);
    for (const catalogue of [LIBRARIES, SERVERS])
      for (const name of catalogue.names())
        for (const verb of (await catalogue.load(name)).default.can ?? []) expect(offered).toContain(verb);
  });
  it('is somebody, for every verb that must be offered', async () => {
    for (const name of VERBS.names()) {
      const { default: verb } = await VERBS.load(name);
      if (!verb.offered) continue;
      const able = await Promise.all([
        ...LIBRARIES.names().map(async (library) => (await LIBRARIES.load(library)).default.can),
        ...SERVERS.names().map(async (server) => (await SERVERS.load(server)).default.can ?? []),
      ]);
      expect(able.some((can) => can.includes(name))).toBe(true);
    }
    expect(BOXES.names().length).toBeGreaterThan(0);
  });
});
