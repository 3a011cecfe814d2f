import { LabError, messageOf } from '../base/errors.ts';
import { destroySockets } from '../linux/inet-diag.ts';

/** The kernel resets the peers of sockets that it takes apart: nothing leaves meanwhile. */
const STILL = `table inet idlelab_still {
  chain output {
    type filter hook output priority -500; policy drop;
  }
}
`;
const OVER = 'delete table inet idlelab_still\n';
/** Sockets that are busy at one look are there at the next. */
const ROUNDS = 20;

/**
 * Has a kernel forget all TCP sockets of a host, without sending anything.
 * @param nft has the host's kernel take a rule set
 * @param within runs synchronous code in the host's network namespace
 * @throws LabError WRONG_KERNEL
 */
export async function dropSockets(
  nft: (rules: string) => Promise<unknown>,
  within: (work: () => void) => void = (work) => work(),
): Promise<void> {
  await nft(STILL);
  try {
    within(() => {
      for (let round = 0; round < ROUNDS && destroySockets() > 0; round++);
    });
  } catch (error) {
    throw new LabError(
      'WRONG_KERNEL',
      `this kernel cannot take sockets apart without their programs: ${messageOf(error)}`,
      'take a kernel with CONFIG_INET_DIAG_DESTROY, or add --engine virtual',
      error,
    );
  } finally {
    await nft(OVER);
  }
}
