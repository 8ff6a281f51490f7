// Modbus requests and their answers, made up within the limits of V1.1b3, clause 6.

import fc from 'fast-check';
import type { Request } from '../../drivers/modbus/wire/request.ts';
import type { Response } from '../../drivers/modbus/wire/response.ts';

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });

function octets(minLength: number, maxLength = minLength): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength, maxLength });
}

function registers(count: number): fc.Arbitrary<Uint8Array> {
  return octets(count * 2);
}

function bits(quantity: number): fc.Arbitrary<Uint8Array> {
  return octets(Math.ceil(quantity / 8)).map((values) => {
    const last = values.length - 1;
    if (quantity % 8 !== 0) values[last] = (values[last] ?? 0) & ((1 << (quantity % 8)) - 1);
    return values;
  });
}

function span(most: number): fc.Arbitrary<{ address: number; quantity: number }> {
  return fc
    .integer({ min: 1, max: most })
    .chain((quantity) =>
      fc.record({ address: fc.integer({ min: 0, max: 65536 - quantity }), quantity: fc.constant(quantity) }),
    );
}

const reads = fc.oneof(
  fc.tuple(fc.constantFrom('readCoils', 'readDiscreteInputs'), span(2000)),
  fc.tuple(fc.constantFrom('readHoldingRegisters', 'readInputRegisters'), span(125)),
);

const file = { fileNumber: fc.integer({ min: 1, max: 65535 }), recordNumber: fc.integer({ min: 0, max: 9900 }) };

/** Requests that every limit permits, of every kind. */
export const requests: fc.Arbitrary<Request> = fc.oneof(
  reads.map(([kind, where]) => ({ kind, ...where }) as const),
  fc.record({ kind: fc.constant('writeSingleCoil'), address: u16, value: fc.boolean() }),
  fc.record({ kind: fc.constant('writeSingleRegister'), address: u16, value: u16 }),
  fc.record({
    kind: fc.constantFrom('readExceptionStatus', 'getCommEventCounter', 'getCommEventLog', 'reportServerId'),
  }),
  fc.record({
    kind: fc.constant('diagnostics'),
    subFunction: fc.constant(0),
    data: registers(1),
  }),
  fc.record({
    kind: fc.constant('diagnostics'),
    subFunction: fc.constantFrom(2, 4, 10, 11, 18, 20),
    data: fc.constant(new Uint8Array(2)),
  }),
  fc.record({
    kind: fc.constant('diagnostics'),
    subFunction: fc.constantFrom(5, 19, 21, 65535),
    data: fc.integer({ min: 1, max: 125 }).chain(registers),
  }),
  span(1968).chain((where) =>
    bits(where.quantity).map((values) => ({ kind: 'writeMultipleCoils', ...where, values }) as const),
  ),
  span(123).chain((where) =>
    registers(where.quantity).map((values) => ({ kind: 'writeMultipleRegisters', ...where, values }) as const),
  ),
  fc.record({
    kind: fc.constant('readFileRecord'),
    references: fc.array(fc.record({ ...file, recordLength: fc.integer({ min: 1, max: 20 }) }), {
      minLength: 1,
      maxLength: 5,
    }),
  }),
  fc.record({
    kind: fc.constant('writeFileRecord'),
    records: fc.array(fc.record({ ...file, values: fc.integer({ min: 1, max: 20 }).chain(registers) }), {
      minLength: 1,
      maxLength: 5,
    }),
  }),
  fc.record({ kind: fc.constant('maskWriteRegister'), address: u16, andMask: u16, orMask: u16 }),
  fc.tuple(span(125), span(121)).chain(([read, write]) =>
    registers(write.quantity).map(
      (values) =>
        ({
          kind: 'readWriteMultipleRegisters',
          readAddress: read.address,
          readQuantity: read.quantity,
          writeAddress: write.address,
          writeQuantity: write.quantity,
          values,
        }) as const,
    ),
  ),
  fc.record({ kind: fc.constant('readFifoQueue'), address: u16 }),
  fc.record({
    kind: fc.constant('readDeviceIdentification'),
    readDeviceIdCode: fc.integer({ min: 1, max: 4 }),
    objectId: u8,
  }),
  fc.record({
    kind: fc.constant('encapsulatedInterfaceTransport'),
    meiType: u8.filter((type) => type !== 14),
    data: octets(0, 251),
  }),
  fc.record({
    kind: fc.constant('unsupported'),
    functionCode: fc.constantFrom(0, 9, 42, 65, 90, 100, 127, 128, 131, 255),
    data: octets(0, 252),
  }),
);

/** A normal answer to a request, as a device that keeps to the standard would give it. */
export function answersTo(request: Request): fc.Arbitrary<Response> {
  switch (request.kind) {
    case 'readCoils':
    case 'readDiscreteInputs':
      return bits(request.quantity).map((values) => ({ kind: request.kind, values }));
    case 'readHoldingRegisters':
    case 'readInputRegisters':
      return registers(request.quantity).map((values) => ({ kind: request.kind, values }));
    case 'readWriteMultipleRegisters':
      return registers(request.readQuantity).map((values) => ({ kind: request.kind, values }));
    case 'writeMultipleCoils':
    case 'writeMultipleRegisters':
      return fc.constant({ kind: request.kind, address: request.address, quantity: request.quantity });
    case 'readExceptionStatus':
      return u8.map((status) => ({ kind: 'readExceptionStatus', status }));
    case 'getCommEventCounter':
      return fc.record({ kind: fc.constant('getCommEventCounter'), status: u16, eventCount: u16 });
    case 'getCommEventLog':
      return fc.record({
        kind: fc.constant(request.kind),
        status: u16,
        eventCount: u16,
        messageCount: u16,
        events: octets(0, 64),
      });
    case 'reportServerId':
      return octets(0, 251).map((data) => ({ kind: 'reportServerId', data }));
    case 'readFileRecord':
      return fc
        .tuple(...request.references.map(({ recordLength }) => registers(recordLength)))
        .map((records) => ({ kind: request.kind, records }));
    case 'readFifoQueue':
      return fc
        .integer({ min: 0, max: 31 })
        .chain(registers)
        .map((values) => ({ kind: request.kind, values }));
    case 'readDeviceIdentification':
      return fc
        .record({ level: fc.constantFrom(1, 2, 3, 129, 130, 131), next: u8, more: fc.boolean(), value: octets(0, 60) })
        .map(({ level, next, more, value }) => ({
          kind: request.kind,
          readDeviceIdCode: request.readDeviceIdCode,
          conformityLevel: level,
          moreFollows: more && request.readDeviceIdCode !== 4,
          nextObjectId: next,
          objects: [{ id: request.objectId, value }],
        }));
    default:
      return fc.constant(request);
  }
}

/** A request, and one normal or exception answer to it. */
export const exchanges: fc.Arbitrary<{ request: Request; response: Response }> = requests.chain((request) =>
  answersTo(request).map((response) => ({ request, response })),
);

/** Octets with up to three of them changed, some cut off, or some added: almost a frame. */
export function mutated(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc
    .record({
      changes: fc.array(fc.tuple(fc.nat({ max: Math.max(0, bytes.length - 1) }), u8), { maxLength: 3 }),
      cut: fc.constantFrom(0, 0, 0, 1, 2, 5),
      added: octets(0, 3),
    })
    .map(({ changes, cut, added }) => {
      const copy = Uint8Array.from([
        ...bytes.subarray(0, Math.max(0, bytes.length - cut)),
        ...(cut === 1 ? added : []),
      ]);
      for (const [at, octet] of changes) if (at < copy.length) copy[at] = octet;
      return copy;
    });
}
