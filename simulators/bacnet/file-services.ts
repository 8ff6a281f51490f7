// Clause 14: files read and written by octets or by records, appended to, cut to an end.

import type { DeviceState, Service, SimulatedFile } from './device-state.ts';
import { encodeElements } from './elements.ts';
import { RejectFault, ServiceFault } from './faults.ts';
import { OBJECT_TYPE } from './names.ts';
import type { SimulatedObject } from './object.ts';
import { Parameters } from './parameters.ts';
import { app, ctx, TAG, within } from './values.ts';

const APPEND = -1;
const LARGEST = 4 << 20;

interface OpenFile {
  readonly object: SimulatedObject;
  readonly file: SimulatedFile;
}

function opened(state: DeviceState, parameters: Parameters): OpenFile {
  const object = state.find(parameters.applicationObject());
  const file = state.files.get(object.ref.instance);
  if (object.ref.type !== OBJECT_TYPE.file || file === undefined) throw new ServiceFault('inconsistent-parameters');
  return { object, file };
}

export const atomicReadFile: Service = (state, parameters, asker) => {
  const { file } = opened(state, parameters);
  file.guard?.reading();
  const stream = parameters.inside(0);
  const reading = new Parameters(stream ?? parameters.needInside(1));
  parameters.end();
  const start = reading.applicationSigned();
  const count = reading.applicationUnsigned();
  reading.end();
  if ((stream === undefined) !== (file.access === 'record')) throw new ServiceFault('invalid-file-access-method');
  const length = file.access === 'stream' ? file.content.length : file.records.length;
  if (start < 0 || start > length) throw new ServiceFault('invalid-file-start-position');
  if (file.access === 'stream') {
    const piece = file.content.subarray(start, start + Math.min(count, asker.room - 20));
    const ended = start + piece.length >= length;
    return encodeElements([app.boolean(ended), within(0, app.signed(start), app.octets(piece))]);
  }
  const records = file.records.slice(start, start + count);
  const ended = start + records.length >= length;
  const items = [app.signed(start), app.unsigned(records.length), ...records.map(app.octets)];
  return encodeElements([app.boolean(ended), within(1, ...items)]);
};

export const atomicWriteFile: Service = (state, parameters) => {
  const { object, file } = opened(state, parameters);
  const stream = parameters.inside(0);
  const writing = new Parameters(stream ?? parameters.needInside(1));
  parameters.end();
  if ((stream === undefined) !== (file.access === 'record')) throw new ServiceFault('invalid-file-access-method');
  const wanted = writing.applicationSigned();
  const length = file.access === 'stream' ? file.content.length : file.records.length;
  const start = wanted === APPEND ? length : wanted;
  if (start < 0 || start > LARGEST) throw new ServiceFault('invalid-file-start-position');
  if (file.access === 'stream') {
    const data = writing.application(TAG.octets).octets;
    writing.end();
    store(file, start, file.guard?.writing(start, data) ?? data);
  } else {
    const count = writing.applicationUnsigned();
    const records = Array.from({ length: Math.min(count, 1000) }, () => writing.application(TAG.octets).octets);
    writing.end();
    if (records.length !== count) throw new RejectFault('parameter-out-of-range');
    if (start > length) throw new ServiceFault('invalid-file-start-position');
    file.records = [...file.records.slice(0, start), ...records, ...file.records.slice(start + count)];
  }
  describeFile(state, object, file);
  file.guard?.written();
  return encodeElements([ctx.signed(file.access === 'stream' ? 0 : 1, start)]);
};

const SMALLEST_ROOM = 4096;

/** Makes a file at least so long, with room to grow, so that a large image does not move with each of its chunks. */
function extend(file: SimulatedFile, length: number): void {
  const { content, room } = file;
  const isOwn = room !== undefined && content.buffer === room.buffer && content.byteOffset === room.byteOffset;
  const grown = isOwn && room.length >= length ? room : Buffer.alloc(Math.max(SMALLEST_ROOM, 2 * length));
  if (grown !== room) content.copy(grown);
  else grown.fill(0, content.length, Math.max(content.length, length));
  file.room = grown;
  file.content = grown.subarray(0, Math.max(content.length, length));
}

function store(file: SimulatedFile, start: number, data: Buffer): void {
  extend(file, start + data.length);
  data.copy(file.content, start);
}

/** Cuts a file, or makes it longer with zeros. */
function setFileSize(file: SimulatedFile, size: number): void {
  if (size < file.content.length) file.content = file.content.subarray(0, size);
  else if (size > file.content.length) extend(file, size);
}

/** Follows a written file-size: how tools begin a new image. */
export function resizeFile(state: DeviceState, object: SimulatedObject): void {
  const file = state.files.get(object.ref.instance);
  const size = object.number('file-size') ?? 0;
  if (file === undefined || file.access !== 'stream' || size === file.content.length || size > LARGEST) return;
  setFileSize(file, size);
  file.guard?.resized(size);
}

export function describeFile(state: DeviceState, object: SimulatedObject, file: SimulatedFile): void {
  const octets =
    file.access === 'stream' ? file.content.length : file.records.reduce((sum, one) => sum + one.length, 0);
  object.set('file-size', [app.unsigned(octets)]);
  object.set('modification-date', [app.date(state.now()), app.time(state.now())]);
}
