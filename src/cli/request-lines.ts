// Octets → lines, for a stream of any length: a line ends with `\n` and nothing else, and one that is too long is left out,
// so that memory stays bounded whatever comes.

/** UTF-8 bytes of one line. */
export const LONGEST_LINE = 4 * 1024 * 1024;

/** Every line without its end; `undefined` in the place of one that is too long. A last line needs no end. */
export async function* requestLines(input: AsyncIterable<Uint8Array>): AsyncGenerator<string | undefined, void, void> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const take = (): string | undefined => {
    const line = length > LONGEST_LINE ? undefined : Buffer.concat(parts).toString('utf8');
    parts = [];
    length = 0;
    return line;
  };
  const add = (part: Uint8Array): void => {
    length += part.length;
    if (length <= LONGEST_LINE) parts.push(part);
    else parts = [];
  };
  for await (const chunk of input) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      add(chunk.subarray(from, end));
      yield take();
      from = end + 1;
    }
    add(chunk.subarray(from));
  }
  if (length > 0) yield take();
}
