import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { enterLab } from '../../src/engines/netns/engine.ts';
import { deathOfIdle } from '../../src/model/keepalive.ts';
import { type Cell, predict } from '../../src/model/predict.ts';
import { packageRoot } from '../../src/root.ts';
import type { Measured } from '../../src/sweep/measure.ts';

const COUNT = 120;
const SEEDS = [20_261_121, 2, 4];
/** Between the kernel's doings and the program that hears of them, on however busy a machine. */
const HEARD_SECONDS = 1;

function measureSample(seed: number): Promise<{ cell: Cell; measured: Measured }[]> {
  const child = enterLab([
    process.execPath,
    join(packageRoot, 'test/sweep/measure-sample.ts'),
    String(COUNT),
    String(seed),
  ]);
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  return new Promise((resolve, reject) => {
    child.once('close', () => {
      try {
        resolve(JSON.parse(output));
      } catch {
        reject(new Error(errors || output));
      }
    });
  });
}

const text = ({ client, server, middlebox }: Cell) => JSON.stringify({ client, server, middlebox });

describe('a sample of settings, measured on the real kernel', () => {
  let sample: { cell: Cell; measured: Measured }[];
  beforeAll(async () => {
    sample = (await Promise.all(SEEDS.map(measureSample))).flat();
  });

  it('is of many kinds: some survive, some are reset, some time out', () => {
    const met = sample.map(({ measured }) => measured.met);
    for (const kind of ['ok', 'reset', 'timeout'] as const)
      expect(met.filter((each) => each === kind).length).toBeGreaterThan(sample.length / 20);
    expect(met).not.toContain('other');
  });

  it('every first request meets what the model says it may meet', () => {
    const wrong = sample.filter(({ cell, measured }) => !predict(cell).firstRequest.has(measured.met as 'ok'));
    expect(wrong.map(({ cell, measured }) => `${text(cell)} met ${measured.met}`)).toEqual([]);
  });

  it('the kernel has the options that were asked for', () => {
    for (const { cell, measured } of sample) {
      const { keepalive } = cell.client;
      expect(measured.kernel.keepalive).toBe(keepalive !== 'off');
      if (keepalive === 'off') continue;
      expect(measured.kernel).toMatchObject({
        idleSeconds: keepalive.idleSeconds,
        intervalSeconds: keepalive.intervalSeconds,
        probes: keepalive.probes,
        userTimeoutMs: (keepalive.userTimeoutSeconds ?? 0) * 1000,
      });
    }
  });

  it('who gives up in the quiet, for late probes vanish, does so when the model says', () => {
    const dead = sample.filter(
      ({ cell: { client, middlebox }, measured }) =>
        middlebox.latePacket === 'drop' &&
        // The first probe is late already.
        client.keepalive !== 'off' &&
        client.keepalive.idleSeconds > middlebox.timeoutSeconds &&
        measured.endedInQuiet !== undefined,
    );
    expect(dead.length).toBeGreaterThan(3);
    for (const { cell, measured } of dead) {
      const { from, to } = deathOfIdle(cell.client.keepalive, cell.hz);
      const at = measured.endedInQuiet as number;
      expect([text(cell), at >= from - HEARD_SECONDS, at <= to + HEARD_SECONDS]).toEqual([text(cell), true, true]);
    }
  });
});
