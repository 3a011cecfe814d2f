import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { refusesMissingModules } from '../../src/engines/real-time.ts';
import { KNOWN } from '../../src/judge/known.ts';
import type { KnownPlace } from '../../src/plan/known.ts';
import { planScenario } from '../../src/plan/make-plan.ts';
import { BOXES } from '../../src/stage/catalogue.ts';

const folder = mkdtempSync(join(tmpdir(), 'idlelab-test-place-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'mine.yaml');

const TEXT = `title: Somewhere
ip: both
params: { box: ipvs }
hosts:
  web: { client: ioredis }
  nlb: { middlebox: $box, idleTimeout: 3s }
  mq: { server: redis, count: 2 }
timeline: [{ web: connect }, { quiet: 5s }]
acts:
  plain: { params: { box: l4-drop }, expect: [flows-forgotten] }
  kernel: { expect: [flows-forgotten] }
`;
writeFileSync(file, TEXT);

const place = (refuses: NonNullable<KnownPlace['refuses']>): KnownPlace => ({ name: 'elsewhere', refuses });
const plan = (where?: KnownPlace) => planScenario(file, 'compressed', KNOWN, where);

describe('a place where hosts live is asked before anything is started', () => {
  it('about every act, with each version of IP', async () => {
    const asked: string[] = [];
    await plan(
      place(async ({ hosts, ip }) => {
        asked.push(`${hosts.map((host) => (host.role === 'middlebox' ? host.profile : '')).join('')} ${ip}`);
        return undefined;
      }),
    );
    expect(asked).toEqual(['l4-drop v4', 'l4-drop v6', 'ipvs v4', 'ipvs v6']);
  });

  it('and what it cannot play is refused where the file names it', async () => {
    const refuses = place(async ({ hosts }) =>
      hosts.some((host) => host.role === 'middlebox' && host.profile === 'ipvs')
        ? { host: 'nlb', what: 'its kernel has no ip_vs', todo: 'load it' }
        : undefined,
    );
    await expect(plan(refuses)).rejects.toMatchObject({
      code: 'BAD_FILE',
      exitCode: 4,
      message: `${file}:3:16: at params.box: expected something that can be played on elsewhere, found nlb: its kernel has no ip_vs`,
      todo: 'load it',
    });
  });

  it('a server by the line of its group', async () => {
    await expect(plan(place(async () => ({ host: 'mq-2', what: 'it has none', todo: 'wait' })))).rejects.toThrow(
      `${file}:7:7: at hosts.mq: expected something that can be played on elsewhere, found mq-2: it has none`,
    );
  });

  it('a version of IP at its word', async () => {
    const refuses = place(async ({ ip }) =>
      ip === 'v6' ? { ip: true, what: 'it has none', todo: 'wait' } : undefined,
    );
    await expect(plan(refuses)).rejects.toThrow(
      `${file}:2:5: at ip: expected a version of IP that can be played on elsewhere, found v6: it has none`,
    );
  });
});

describe('this machine’s kernel', () => {
  const box = async (modules: string[]) => {
    const act = (await plan()).acts.find(({ name }) => name === 'kernel-v4');
    const { default: ipvs } = await BOXES.load('ipvs');
    const before = ipvs.modules;
    Object.assign(ipvs, { modules });
    try {
      return await refusesMissingModules(act as NonNullable<typeof act>);
    } finally {
      Object.assign(ipvs, { modules: before });
    }
  };

  it('refuses a box whose module it lacks, by the box’s name', async () => {
    expect(await box(['no_such_module'])).toEqual({
      host: 'nlb',
      what: 'this machine’s kernel has no no_such_module',
      todo: expect.stringMatching(/--engine virtual.*modprobe no_such_module/),
    });
  });

  it('takes one whose module is there', async () => {
    // Every kernel has it: the console cannot be a module.
    expect(await box(['printk'])).toBeUndefined();
  });
});
