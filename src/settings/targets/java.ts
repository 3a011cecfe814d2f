import type { Setting } from '../setting.ts';

const java: Setting = {
  title: 'Java, any socket (jdk.net.ExtendedSocketOptions)',
  version: 'JDK 11 or later',
  tested: 'run where a JDK is installed, the socket read back (getsockopt)',
  render({ keepalive }) {
    if (keepalive === undefined) return undefined;
    const { idleSeconds, intervalSeconds, probes } = keepalive;
    return {
      text: `socket.setOption(StandardSocketOptions.SO_KEEPALIVE, true);\nsocket.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, ${idleSeconds});\nsocket.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, ${intervalSeconds});\nsocket.setOption(ExtendedSocketOptions.TCP_KEEPCOUNT, ${probes});`,
      note: 'lettuce takes the same by SocketOptions.KeepAliveOptions; pgjdbc’s tcpKeepAlive=true takes the kernel’s values (sysctl)',
    };
  },
};
export default java;
