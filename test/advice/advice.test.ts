import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Wanted } from '../../src/advice/advice.ts';
import { allAdvice, settingsFor } from '../../src/advice/settings.ts';
import { versionOf } from '../../src/advice/versions.ts';
import { packageRoot } from '../../src/base/root.ts';
import { adviceFor } from '../../src/judge/judge.ts';
import type { Finding } from '../../src/judge/result.ts';
import { MIDDLEBOXES } from '../../src/plan/catalogue.ts';
import { FIXTURES, judged, recorded } from '../helpers/fixture.ts';

const BOX = { layer: 'L4', timeoutSeconds: 350, quietSeconds: 28_800 } as const;

/** What a sweep shows to be pasted, as the lines of a scenario's remedy. */
async function pasted(target: string, wanted: Wanted): Promise<string[]> {
  const setting = (await settingsFor(wanted)).find((each) => each.target === target);
  const { advice } = (await allAdvice()).find(({ name }) => name === target) as Awaited<
    ReturnType<typeof allAdvice>
  >[number];
  if (setting === undefined) return [];
  return `${setting.text}${setting.note === undefined ? '' : `  ${advice.comment} ${setting.note}`}`.split('\n');
}

const remediesOf = ({ remedy }: Finding, where: string) =>
  remedy.filter((each) => each.where === where).map(({ text }) => text);

describe('a scenario and a sweep give the same advice', () => {
  it('about a client’s keepalive, and a server’s', async () => {
    const result = await judged('rebalance');
    const { productionTuning, findings } = result.acts.find(({ name }) => name === 'fixed') as (typeof result.acts)[0];
    const { keepalive } = productionTuning.pool as { keepalive: { idleSeconds: number } };
    const survives = findings.find(({ id }) => id === 'survives-the-quiet') as Finding;
    expect(remediesOf(survives, 'ioredis (Node.js)')).toEqual(await pasted('ioredis', { ...BOX, keepalive }));
    const zombies = result.acts.flatMap((act) => act.findings).find(({ id }) => id === 'zombies') as Finding;
    expect(remediesOf(zombies, 'Redis server (redis.conf)')).toEqual(
      await pasted('redis-server', { ...BOX, keepalive: { idleSeconds: 60 } }),
    );
    expect(remediesOf(zombies, 'sysctl (server host)')).toEqual(
      await pasted('sysctl', { ...BOX, keepalive: { idleSeconds: 60 } }),
    );
  });

  it('with the interval and the probes that the act played', async () => {
    const evidence = recorded('rebalance');
    const keepalive = { idleSeconds: 90, intervalSeconds: 7, probes: 5 };
    for (const { plan } of evidence.acts) plan.productionTuning.pool = { keepalive };
    const { judgeRun } = await import('../../src/judge/judge.ts');
    const [act] = (await judgeRun(evidence, 0)).acts.slice(-1);
    const survives = act?.findings.find(({ id }) => id === 'survives-the-quiet') as Finding;
    expect(remediesOf(survives, 'ioredis (Node.js)')).toEqual(await pasted('ioredis', { ...BOX, keepalive }));
    expect(remediesOf(survives, 'ioredis (Node.js)').join('\n')).toContain('setKeepAlive(true, 90_000, 7_000, 5)');
  });

  it('about a heartbeat behind a proxy, whose loss is noticed', async () => {
    const result = await judged('proxy-close');
    const survives = result.acts
      .flatMap((act) => act.findings)
      .find(({ id }) => id === 'survives-the-quiet') as Finding;
    const told = remediesOf(survives, 'ioredis (Node.js)');
    const timeoutSeconds = result.middleboxes[0]?.productionTimers.idleSeconds as number;
    expect(told).toEqual(
      await pasted('ioredis', {
        ...BOX,
        layer: 'L7',
        timeoutSeconds,
        heartbeatSeconds: Math.floor(timeoutSeconds / 3),
      }),
    );
    expect(told.join('\n')).toContain('redis.disconnect(true)');
  });

  it.each([
    ['haproxy', 'haproxy'],
    ['nginx-stream', 'nginx'],
  ])('about the idle timeout: the profile %s in the words of %s', async (profile, target) => {
    const [, remedy] = /^remedy: "(.*)"$/m.exec(readFileSync(MIDDLEBOXES.path(profile), 'utf8')) ?? [];
    const lines = (await pasted(target, { ...BOX, layer: 'L7' })).map((line) => line.replace(/ {2}#.*/, '').trim());
    expect(lines).toEqual(expect.arrayContaining((remedy as string).replaceAll('{seconds}', '36000').split('\\n')));
  });
});

describe('advice', () => {
  it('is there for every client library and server of the recorded runs', async () => {
    for (const name of FIXTURES)
      for (const { plan } of recorded(name).acts)
        expect(Object.values(await adviceFor(plan)).every((each) => each !== undefined)).toBe(true);
  });

  it('is shown in an order that its files say, without ties', async () => {
    const orders = (await allAdvice()).map(({ advice }) => advice.order);
    expect(orders).toEqual([...new Set(orders)].sort((a, b) => a - b));
  });

  it('that a command times out reaches those that have an option for it', async () => {
    const keepalive = { idleSeconds: 97, intervalSeconds: 13, probes: 7 };
    const all = await settingsFor({ ...BOX, keepalive, commandTimeoutSeconds: 4 });
    const lines = all.flatMap(({ target, text }) => (/4_?000|=4\b/.test(text) ? [target] : []));
    expect(lines).toEqual(['ioredis', 'node-redis', 'pg', 'python']);
  });

  it('that leaves interval and probes out names neither', async () => {
    for (const { target, text } of await settingsFor({ ...BOX, keepalive: { idleSeconds: 97 } }))
      expect([target, /undefined|NaN/.test(text), /97/.test(text)]).toEqual([target, false, true]);
  });
});

describe('a version', () => {
  const installed = (name: string) =>
    (JSON.parse(readFileSync(join(packageRoot, 'node_modules', name, 'package.json'), 'utf8')) as { version: string })
      .version;

  it.each(['ioredis', 'redis', 'amqplib', 'pg'])('of %s is the installed package’s', async (name) => {
    expect(await versionOf({ package: name })).toBe(`${name} ${installed(name)}`);
    const shown = (await settingsFor({ ...BOX, keepalive: { idleSeconds: 97 } })).map(({ version }) => version);
    expect(shown).toContain(`${name} ${installed(name)}`);
  });
  it('of a program is what the run recorded, or else what the program says', async () => {
    const node = { program: process.execPath, arguments: ['--version'], called: 'Node.js' };
    expect(await versionOf(node, { [process.execPath]: 'v1.2.3-nightly' })).toBe('Node.js 1.2.3');
    expect(await versionOf(node)).toBe(`Node.js ${process.version.slice(1)}`);
  });
  it('is not made up where nothing is installed', async () => {
    expect(await versionOf({ package: 'no-such-package-anywhere' })).toBeUndefined();
    expect(await versionOf({ program: 'no-such-program', arguments: [], called: 'x' })).toBeUndefined();
  });
});

it('judging loads no code of clients, servers or players', () => {
  const code = `
    import { registerHooks } from 'node:module';
    const urls = [];
    registerHooks({ load(url, context, next) { urls.push(url); return next(url, context); } });
    const { judgeFolder } = await import(${JSON.stringify(join(packageRoot, 'src/judge/judge.ts'))});
    const { result } = await judgeFolder(${JSON.stringify(join(packageRoot, 'test/fixtures/proxy-close'))});
    process.stdout.write(JSON.stringify({ verdict: result.verdict, urls }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  expect(stderr).toBe('');
  const { verdict, urls } = JSON.parse(stdout) as { verdict: string; urls: string[] };
  expect(verdict).toBe('pass');
  expect(urls.filter((url) => /\/services\/|node_modules\/ioredis/.test(url))).toEqual([]);
  expect(urls.some((url) => url.endsWith('/advice/targets/ioredis.ts'))).toBe(true);
});
