import { LabError } from '../../base/errors.ts';

/**
 * An argument of a kernel's command line, quoted as the kernel's parser wants it, which knows no escapes (lib/cmdline.c,
 * next_arg).
 * @param value of what it says, usually a path
 * @param what it is, for people
 * @throws LabError BAD_OPTION where it cannot be told to a kernel
 */
export function kernelArgument(name: string, value: string, what: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  const bad = /["\\\u0000-\u001f\u007f]/.exec(value)?.[0];
  if (bad !== undefined)
    throw new LabError(
      'BAD_OPTION',
      `${what} cannot be told to the virtual engine's kernel: ${JSON.stringify(value)} holds ${JSON.stringify(bad)}`,
      'take a path without quotation marks, backslashes and control characters, or another engine',
    );
  return `${name}="${value}"`;
}

/** The same for a folder that is mounted: mount takes a comma for the end of an option. @throws LabError BAD_OPTION */
export function mountedFolder(name: string, folder: string, what: string): string {
  if (folder.includes(','))
    throw new LabError(
      'BAD_OPTION',
      `${what} cannot be mounted in the virtual engine's kernel: ${JSON.stringify(folder)} holds a comma`,
      'take a path without commas, or another engine',
    );
  return kernelArgument(name, folder, what);
}
