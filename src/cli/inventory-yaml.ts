// An inventory draft as YAML to review: devices and points as a policy's organization has them, every guess with its reason.

import { Document, isMap, isScalar, type Node, type Pair } from 'yaml';
import type { DraftDevice, DraftPoint, InventoryDraft } from '../contract/inventory-draft.ts';

/** `head`: lines that say where it comes from. */
export function inventoryYaml(draft: InventoryDraft, location: string, head: readonly string[]): string {
  const points = draft.flatMap((device) => device.points.map((point) => ({ point, device })));
  const document = new Document(
    {
      devices: draft.map((device) => deviceRow(device, location)),
      points: points.map(({ point, device }) => pointRow(point, device)),
    },
    { aliasDuplicateObjects: false },
  );
  const comment = [
    ...head,
    'Review every class, limit and name, then move devices and points into an organization of the policy.',
  ];
  document.commentBefore = comment.map((line) => ` ${line}`).join('\n');
  const rows = (key: string): readonly Node[] => {
    const list = document.get(key, true);
    return typeof list === 'object' && list !== null && 'items' in list ? (list.items as Node[]) : [];
  };
  for (const [at, row] of rows('devices').entries()) {
    flow(row, 'address');
    const remarks = draft[at]?.remarks ?? [];
    if (remarks.length > 0) row.commentBefore = remarks.map((remark) => ` ${oneLine(remark)}`).join('\n');
  }
  for (const [at, row] of rows('points').entries()) {
    for (const key of ['address', 'limits', 'involves']) flow(row, key);
    const value = pair(row, 'class')?.value;
    if (isScalar(value)) value.comment = ` ${oneLine(points[at]?.point.why ?? '')}`;
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function deviceRow({ id, name, vendor, model, address }: DraftDevice, location: string): object {
  return { id, name, location, ...(vendor && { vendor }), ...(model && { model }), address };
}

function pointRow({ why: _why, ...point }: DraftPoint, device: DraftDevice): object {
  const { id, name, class: is, unit, limits, involves, address } = point;
  return {
    id,
    name,
    device: device.id,
    class: is,
    ...(unit && { unit }),
    ...(limits && { limits }),
    ...(involves && { involves }),
    address,
  };
}

function pair(row: Node, key: string): Pair<unknown, unknown> | undefined {
  return isMap(row) ? row.items.find((one) => isScalar(one.key) && one.key.value === key) : undefined;
}

/** Short things stand on one line. */
function flow(row: Node, key: string): void {
  const value = pair(row, key)?.value;
  if (typeof value === 'object' && value !== null && 'items' in value) Object.assign(value, { flow: true });
}

/** A device chooses its own texts: none of them may end a comment. */
function oneLine(text: string): string {
  return text.replace(/\p{C}+/gu, ' ').trim();
}
