import { getReaper } from 'testcontainers';
import type { TestProject } from 'vitest/node';
import { messageOf } from '../../src/base/errors.ts';
import { containerEngine } from '../../src/engines/docker/client.ts';
import { labImage } from '../../src/engines/docker/image.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Why nothing can be tested on containers here; empty where it can. */
    noContainers: string;
  }
}

const NOT_RUN = (why: string) =>
  `\n${'!'.repeat(100)}\n  NOT RUN: everything about containers (docker engine, compose, testcontainers module).\n  ${why}\n${'!'.repeat(100)}\n`;

/** Testcontainers' cleaner is an image too: where it cannot be pulled, each test takes away what is its own. */
async function reaperOrNone(client: Awaited<ReturnType<typeof containerEngine>>): Promise<void> {
  try {
    await getReaper(client);
  } catch (error) {
    // Test workers are started after this and inherit it.
    process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
    console.log(`testcontainers' Ryuk is not to be had here (${messageOf(error)}); tests do without`);
  }
}

/** Before all tests on containers: an engine that answers, and the image. Where that cannot be had they are not run, loudly. */
export default async function containers(project: TestProject): Promise<(() => void) | undefined> {
  try {
    const client = await containerEngine();
    await labImage(client, (text) => console.log(text));
    await reaperOrNone(client);
    project.provide('noContainers', '');
    return undefined;
  } catch (error) {
    const why = messageOf(error);
    // Continuous integration must have one.
    if (process.env.CI) throw error;
    project.provide('noContainers', why);
    console.warn(NOT_RUN(why));
    return () => console.warn(NOT_RUN(why));
  }
}
