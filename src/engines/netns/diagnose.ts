import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { codeRoot, moduleExtension } from '../../base/root.ts';
import { objectIn } from '../../talk/lines.ts';
import type { Diagnosis } from '../diagnosis.ts';
import { enterLab } from './engine.ts';

/** Programs by name, what they are for, and whether every scenario needs them. */
const PROGRAMS: readonly { name: string; package: string; optional?: true }[] = [
  { name: 'redis-server', package: 'redis-server' },
  { name: 'redis-cli', package: 'redis-tools' },
  { name: 'nft', package: 'nftables' },
  { name: 'haproxy', package: 'haproxy', optional: true },
  { name: 'ipvsadm', package: 'ipvsadm', optional: true },
  { name: 'nginx', package: 'nginx-light libnginx-mod-stream', optional: true },
];

/** The programs that run on a lab's hosts, wherever those live. */
export function diagnosePrograms(): Diagnosis[] {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return PROGRAMS.map(({ name, package: from, optional }) => {
    const found = folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
    return {
      what: name,
      ok: found !== undefined,
      found: found ?? 'not found',
      todo: `apt-get install -y --no-install-recommends ${from} (as root)`,
      ...(optional ? { optional } : {}),
    };
  });
}

/** Tries to enter a lab of network namespaces, and what it would do there. */
export async function diagnoseNamespaces(): Promise<Diagnosis[]> {
  const child = enterLab([process.execPath, join(codeRoot, `src/engines/netns/probe${moduleExtension}`)]);
  const found: Diagnosis[] = [];
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const one = objectIn(line);
    if (one !== undefined) found.push(one as unknown as Diagnosis);
  });
  const ended = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const entered = found.length > 0;
  return [
    {
      what: 'namespaces of one’s own',
      ok: entered,
      found: entered ? 'entered' : (errors.trim().split('\n')[0] ?? '') || ended,
      todo: 'run as root, or allow user namespaces: sysctl user.max_user_namespaces > 0; on Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0',
    },
    ...found,
  ];
}
