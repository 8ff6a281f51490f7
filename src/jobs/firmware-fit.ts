// Part of "checking": whether an image may go onto a device as it stands. Pure. Invariants: 1. what neither the device nor the
// inventory says is no match; 2. an older image needs the manifest's signed permit; 3. a device that has nothing but its boot
// loader may be rescued, and counts as what it ran last.

import type { FirmwarePath, FirmwareStanding } from '../contract/firmware.ts';
import type { ImageManifest } from '../contract/images.ts';
import { reason } from '../contract/reasons.ts';
import type { InventoryDevice } from '../model/point.ts';
import { compareVersions } from './version.ts';

type Fit =
  /** `remark`: what could not be looked at. */
  | { readonly kind: 'fits'; readonly goesOn: boolean; readonly remark?: string }
  /** It holds a whole image that is not active. */
  | { readonly kind: 'staged' }
  | { readonly kind: 'runs-it' }
  /** It restarts: ask again. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'unfit'; readonly why: string };

export type ImageFacts = Pick<
  ImageManifest,
  'vendor' | 'model' | 'version' | 'minimumVersion' | 'permitsDowngrade' | 'size'
>;

/**
 * `sent`: of this image this job has sent something before. `last`: what the device last said that it runs, where nothing but its
 * boot loader runs now.
 */
export function fitOf(
  image: ImageFacts,
  device: Pick<InventoryDevice, 'vendor' | 'model'>,
  standing: FirmwareStanding,
  path: FirmwarePath,
  { sent, last }: { readonly sent: boolean; readonly last: string | undefined },
): Fit {
  if (standing.state === 'busy') return { kind: 'busy' };
  for (const what of ['vendor', 'model'] as const) {
    const says = [standing[what], device[what]].filter((text) => text !== undefined);
    if (says.length === 0) return unfit(reason(`${what}-unsaid`));
    const other = says.find((text) => text !== image[what]);
    if (other !== undefined) return unfit(reason(`other-${what}`, { got: other, wanted: image[what] }));
  }
  const isRescue = standing.state === 'boot-loader';
  // Whatever a boot loader says of itself is not what ran.
  const ran = isRescue ? last : standing.version;
  const why = isRescue && ran === undefined ? unknownFault(image) : versionFault(image, ran, isRescue);
  if (why !== undefined) return unfit(why);
  if (standing.state === 'running' && standing.version === image.version) return { kind: 'runs-it' };
  if (standing.state === 'staged' && sent) return { kind: 'staged' };
  const goesOn = sent && path.resumes;
  return isRescue && ran === undefined
    ? { kind: 'fits', goesOn, remark: reason('rescue-unknown') }
    : { kind: 'fits', goesOn };
}

function unknownFault({ minimumVersion }: ImageFacts): string | undefined {
  if (minimumVersion === undefined) return undefined;
  return reason('rescue-unknown-least', { least: minimumVersion });
}

function versionFault(image: ImageFacts, version: string | undefined, isRescue: boolean): string | undefined {
  if (version === undefined) return reason('version-unsaid');
  if (version === image.version) return undefined;
  const { minimumVersion } = image;
  if (minimumVersion !== undefined && compareVersions(version, minimumVersion) < 0) {
    return reason(isRescue ? 'rescue-too-old' : 'too-old', { got: version, least: minimumVersion });
  }
  if (image.permitsDowngrade === true || compareVersions(version, image.version) < 0) return undefined;
  return reason(isRescue ? 'rescue-too-new' : 'too-new', { got: version, wanted: image.version });
}

const unfit = (why: string): Fit => ({ kind: 'unfit', why });
