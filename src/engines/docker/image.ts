import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ContainerRuntimeClient } from 'testcontainers';
import { LabError, messageOf } from '../../base/errors.ts';
import { packageRoot } from '../../base/root.ts';

const REPOSITORY = 'idlelab/lab';
const DOCKERFILE = 'services/image/Dockerfile';
/** What the image is made of: in a clone the sources, in the published package what they were built to. */
const PARTS = ['lab', 'services', existsSync(join(packageRoot, 'src')) ? 'src' : 'dist'] as const;
const FILES = ['package.json', 'package-lock.json'] as const;

/** All that the build is given, by path from the package's root. */
function context(): string[] {
  const files = PARTS.flatMap((part) =>
    readdirSync(join(packageRoot, part), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(packageRoot.length).replace(/^\//, '')),
  );
  return [...FILES.filter((file) => existsSync(join(packageRoot, file))), ...files].sort();
}

/** The image's name changes whenever something of it does. */
function nameOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\n`).update(readFileSync(join(packageRoot, file)));
  return `${REPOSITORY}:${hash.digest('hex').slice(0, 16)}`;
}

async function build(
  client: ContainerRuntimeClient,
  name: string,
  files: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const { pack } = await import('tar-stream');
  const archive = pack();
  // One time for all: layers are kept by content.
  for (const file of files)
    archive.entry({ name: file, mtime: new Date(0), mode: 0o755 }, readFileSync(join(packageRoot, file)));
  archive.finalize();
  const { dockerode } = client.container;
  const printed: string[] = [];
  try {
    const stream = await dockerode.buildImage(Readable.from(archive), {
      t: name,
      dockerfile: DOCKERFILE,
      target: 'lab',
      forcerm: true,
      ...(signal ? { abortSignal: signal } : {}),
    });
    await new Promise<void>((resolve, reject) => {
      const hear = ({ stream: text }: { stream?: string }) => {
        printed.push(...(text ?? '').split('\n').filter((line) => line.trim() !== ''));
        printed.splice(0, printed.length - 12);
      };
      dockerode.modem.followProgress(
        stream,
        (error, output: { error?: string }[]) => {
          const failed = error?.message ?? output.find(({ error: text }) => text !== undefined)?.error;
          if (failed === undefined) resolve();
          else reject(new Error(failed));
        },
        hear,
      );
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw new LabError(
      'BUILD_FAILED',
      `the image could not be built: ${messageOf(error)}${printed.length > 0 ? `\n    ${printed.join('\n    ')}` : ''}`,
      `its base image must be there or within reach (docker pull ${baseImage()}), and Debian's and npm's packages`,
      error,
    );
  }
}

export const baseImage = (): string =>
  /^FROM (\S+)/m.exec(readFileSync(join(packageRoot, DOCKERFILE), 'utf8'))?.[1] ?? '';

const WEEK_SECONDS = 7 * 24 * 3600;

/** Takes away versions of the image that are older than a week; another checkout may use younger ones. */
async function forgetOlder(client: ContainerRuntimeClient, current: string): Promise<void> {
  const { dockerode } = client.container;
  const images = await dockerode.listImages({ filters: { reference: [REPOSITORY] } });
  const old = images
    .filter(({ Created }) => Date.now() / 1000 - Created > WEEK_SECONDS)
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .filter((tag) => /:[0-9a-f]{16}$/.test(tag) && tag !== current);
  // One that a container still runs on refuses to go.
  await Promise.allSettled(old.map((tag) => dockerode.getImage(tag).remove()));
}

export async function hasImage(client: ContainerRuntimeClient, name: string): Promise<boolean> {
  try {
    await client.container.dockerode.getImage(name).inspect();
    return true;
  } catch {
    return false;
  }
}

/** The name of the image that holds this very code, whether it is there or not. */
export const labImageName = (): string => process.env.IDLELAB_IMAGE || nameOf(context());

let ready: Promise<string> | undefined;

/**
 * The name of the image that holds this very code; built if it is not there yet. `IDLELAB_IMAGE` names a ready one.
 * @param tell hears when it has to be built
 * @throws LabError BUILD_FAILED
 */
export function labImage(
  client: ContainerRuntimeClient,
  tell: (text: string) => void = () => {},
  signal?: AbortSignal,
): Promise<string> {
  const given = process.env.IDLELAB_IMAGE;
  if (given) return Promise.resolve(given);
  ready ??= (async () => {
    const files = context();
    const name = nameOf(files);
    if (await hasImage(client, name)) return name;
    tell('building the image of the lab’s hosts (once for each version; the first takes a minute or two)');
    await build(client, name, files, signal);
    await forgetOlder(client, name);
    return name;
  })();
  ready.catch(() => {
    ready = undefined;
  });
  return ready;
}
