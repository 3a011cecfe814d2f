import { connect } from 'node:net';

/** One question to a program that listens on a Unix socket and hangs up when it has answered. @returns its whole answer */
export function askSocket(file: string, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(file, () => socket.end(`${question}\n`));
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    socket.once('error', reject).once('close', () => resolve(answer));
  });
}
