import { type Advice, lines } from '../advice.ts';

const java: Advice = {
  title: 'Java, any socket (jdk.net.ExtendedSocketOptions)',
  order: 350,
  comment: '//',
  needs: 'JDK 11 or later',
  tested: 'run where a JDK is installed, the socket read back (getsockopt)',
  tell({ keepalive }) {
    if (keepalive === undefined) return undefined;
    return {
      text: `socket.setOption(StandardSocketOptions.SO_KEEPALIVE, true);\n${lines(keepalive, {
        idle: (value) => `socket.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, ${value});`,
        interval: (value) => `socket.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, ${value});`,
        probes: (value) => `socket.setOption(ExtendedSocketOptions.TCP_KEEPCOUNT, ${value});`,
      })}`,
      note: 'lettuce takes the same by SocketOptions.KeepAliveOptions; pgjdbc’s tcpKeepAlive=true takes the kernel’s values (sysctl)',
    };
  },
};
export default java;
