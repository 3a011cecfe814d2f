import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { lifeOf, type Owner, owner, ownerText, parseOwner } from '../../src/base/owner.ts';

const but = (change: Partial<Owner>): Owner => ({ ...owner(), ...change });
const because = (record: Owner | undefined): string => {
  const life = lifeOf(record);
  return life.state === 'unknown' ? life.because : life.state;
};

/** The number of a process that has ended, and whose parent has asked. */
const deadPid = (): number => spawnSync('true').pid;

describe('an owner', () => {
  it('is alive while its process runs, and its record reads back as it was', () => {
    expect(parseOwner(ownerText())).toEqual(owner());
    expect(lifeOf(owner())).toEqual({ state: 'alive' });
  });

  it('is gone when its process has ended', () => {
    expect(lifeOf(but({ pid: deadPid() }))).toEqual({ state: 'gone' });
  });

  it('is gone when another process has its number by now', () => {
    expect(lifeOf(but({ start: '1' }))).toEqual({ state: 'gone' });
    expect(lifeOf(but({ pid: process.ppid }))).toEqual({ state: 'gone' });
  });

  it('is gone when it has ended and its parent has not asked yet', async () => {
    // The shell becomes a program that never asks how its child ended. The child ends only then: a shell might ask.
    const child = spawn('sh', ['-c', 'cat <&3 & echo $!; exec sleep 60 3<&-'], {
      stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    });
    try {
      const [line] = await once(child.stdout as Readable, 'data');
      const pid = Number(String(line));
      const { readFileSync } = await import('node:fs');
      while (readFileSync(`/proc/${child.pid}/comm`, 'utf8') !== 'sleep\n')
        await new Promise((resolve) => setTimeout(resolve, 5));
      (child.stdio[3] as Writable).end();
      const fields = () => (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] as string).split(' ');
      while (fields()[0] !== 'Z') await new Promise((resolve) => setTimeout(resolve, 5));
      expect(lifeOf(but({ pid, start: fields()[19] as string }))).toEqual({ state: 'gone' });
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('is unknown on another host, however its process number looks here', () => {
    expect(because(but({ host: 'elsewhere', pid: deadPid() }))).toMatch(/another host, elsewhere/);
    expect(because(but({ host: 'elsewhere' }))).toMatch(/another host/);
  });

  it('is unknown in another process namespace', () => {
    expect(because(but({ pidNamespace: 'pid:[1]', pid: deadPid() }))).toMatch(/another process namespace/);
    expect(because(but({ pidNamespace: '' }))).toMatch(/another process namespace/);
  });

  it('is gone after this machine was started again, and unknown where it may be another of the same name', () => {
    const machine = owner().machine || 'a machine';
    const here = owner().machine === machine;
    expect(because(but({ boot: 'an earlier one', machine }))).toMatch(here ? /^gone$/ : /another boot/);
    expect(because(but({ boot: 'an earlier one', machine: 'another' }))).toMatch(/another boot/);
    expect(because(but({ boot: 'an earlier one', machine: '' }))).toMatch(/another boot/);
  });

  it.each(['', '17', 'host 17 0', '[]', 'null', '{"pid":1}', JSON.stringify({ ...owner(), pid: -1 })])(
    'is unknown where the record is %j',
    (text) => {
      expect(parseOwner(text)).toBeUndefined();
      expect(because(parseOwner(text))).toMatch(/no record/);
    },
  );
});
