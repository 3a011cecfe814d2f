import type { TestProject } from 'vitest/node';
import { containerEngine } from '../../src/engines/docker/client.ts';
import { labImage } from '../../src/engines/docker/image.ts';
import { messageOf } from '../../src/errors.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Why nothing can be tested on containers here; empty where it can. */
    noContainers: string;
  }
}

const NOT_RUN = (why: string) =>
  `\n${'!'.repeat(100)}\n  NOT RUN: everything about containers (docker engine, compose, testcontainers module).\n  ${why}\n${'!'.repeat(100)}\n`;

/** Before all tests on containers: an engine that answers, and the image. Where that cannot be had they are not run, loudly. */
export default async function containers(project: TestProject): Promise<(() => void) | undefined> {
  try {
    await labImage(await containerEngine(), (text) => console.log(text));
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
