// What a socket has that turns keepalive on and sets nothing else, in the network namespace that it is run in: prints a JSON list,
// one of IPv4 and one of IPv6.
import { ownSocketOptions, setOption, socket } from '../../src/linux/libc.ts';

const [AF_INET, AF_INET6, SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE] = [2, 10, 1, 1, 9];
const on = Buffer.alloc(4);
on.writeUInt32LE(1);
const options = [AF_INET, AF_INET6].map((family) => {
  const fd = socket(family, SOCK_STREAM, 0);
  setOption(fd, SOL_SOCKET, SO_KEEPALIVE, on);
  return ownSocketOptions(fd);
});
process.stdout.write(JSON.stringify(options));
process.exit();
