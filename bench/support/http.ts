/** A client that costs little beside what it measures: fetch takes three times as long for a small answer. */
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';

const connections = new Agent({ keepAlive: true });

export interface Answer {
  status: number;
  text: string;
}

/** Waits for the last byte. */
export function post(url: string, type: string, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body) };
    const asked = request(url, { method: 'POST', agent: connections, headers }, (response) => {
      text(response).then((all) => resolve({ status: response.statusCode ?? 0, text: all }), reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
