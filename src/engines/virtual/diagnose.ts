import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { messageOf } from '../../base/errors.ts';
import { DEFAULT_HZ, HZ, type Hz } from '../../base/hz.ts';
import { packageRoot } from '../../base/root.ts';
import { keepDescriptors } from '../../linux/descriptors.ts';
import type { Diagnosis } from '../diagnosis.ts';
import { jailScript } from './jail.ts';
import { findKernel } from './kernel.ts';
import { bootArguments, cpus } from './run-kernel.ts';

const PATIENCE_MS = 20_000;
const WHAT_IT_NEEDS =
  'it needs ptrace(2) and an exec-able /dev/shm or TMPDIR: in a container --tmpfs /dev/shm:exec, and a seccomp profile that allows ptrace';

function built(hz: Hz): Diagnosis {
  const what = `kernel with HZ ${hz}`;
  const optional = hz === DEFAULT_HZ ? {} : { optional: true as const };
  try {
    const kernel = findKernel(hz);
    return kernel === undefined
      ? { what, ok: false, found: 'not built', todo: `npm run kernel -- --hz ${hz} (about three minutes)`, ...optional }
      : { what, ok: true, found: kernel, ...optional };
  } catch (error) {
    return { what, ok: false, found: messageOf(error), todo: 'correct IDLELAB_KERNEL', ...optional };
  }
}

/** Boots it, and lets an hour pass on its clock. */
async function boot(kernel: string): Promise<Diagnosis> {
  const what = 'it boots, and its clock jumps';
  const began = performance.now();
  keepDescriptors();
  const child = spawn(
    'sh',
    [
      join(packageRoot, 'lab/kernel/guard.sh'),
      '',
      cpus().join(' '),
      kernel,
      ...bootArguments(join(packageRoot, 'lab/kernel/probe.sh'), Date.now()),
    ],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, IDLELAB_JAIL: jailScript({ read: [dirname(kernel)], write: [] }) },
    },
  );
  child.stdin.on('error', () => {});
  const printed: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  const alive = await new Promise<number | undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PATIENCE_MS);
    const hear = (line: string) => {
      const seconds = /^alive (\d+)/.exec(line)?.[1];
      if (seconds !== undefined) resolve(Number(seconds));
      else if (/"type":"ended"/.test(line)) resolve(undefined);
      else if (line.trim() !== '' && !/"type":"jail"/.test(line)) printed.push(line.trim());
    };
    createInterface({ input: child.stdout }).on('line', hear);
    createInterface({ input: child.stderr }).on('line', hear);
    child.once('error', () => resolve(undefined));
    child.once('close', () => resolve(undefined));
  });
  clearTimeout(timer);
  const wall = (performance.now() - began) / 1000;
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // The guard ends the kernel.
  child.stdin.end();
  if (child.exitCode === null) await gone;
  return alive !== undefined && alive >= 3600
    ? { what, ok: true, found: `an hour in ${wall.toFixed(2)} s` }
    : {
        what,
        ok: false,
        found: alive === undefined ? (printed.at(-1) ?? 'it said nothing') : `only ${alive} s of an hour passed`,
        todo: WHAT_IT_NEEDS,
      };
}

/** Whether what gets out of the kernel is shut in: guard.sh asks the same. */
function shutIn(): Diagnosis {
  const what = 'it is shut in';
  const { status, stderr, error } = spawnSync('sh', [join(packageRoot, 'lab/kernel/guard.sh'), '--can-shut-in'], {
    encoding: 'utf8',
  });
  return status === 0
    ? { what, ok: true, found: 'it sees programs and the lab’s code, read-only' }
    : {
        what,
        ok: false,
        found: `its own root has your rights on your files (${error?.message ?? stderr.trim().split('\n')[0]})`,
        todo: 'allow user namespaces: sysctl user.max_user_namespaces > 0; on Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0',
        optional: true,
      };
}

export async function diagnoseKernels(): Promise<Diagnosis[]> {
  const kernels = HZ.map(built);
  const [first] = kernels;
  return first?.ok ? [...kernels, await boot(first.found), shutIn()] : kernels;
}
