// What a socket has that turns keepalive on and sets nothing else, in the network namespace that it is run in: prints it as JSON.
import { ownSocketOptions, setOption, socket } from '../../src/linux/libc.ts';

const [AF_INET, SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE] = [2, 1, 1, 9];
const fd = socket(AF_INET, SOCK_STREAM, 0);
const on = Buffer.alloc(4);
on.writeUInt32LE(1);
setOption(fd, SOL_SOCKET, SO_KEEPALIVE, on);
process.stdout.write(JSON.stringify(ownSocketOptions(fd)));
process.exit();
