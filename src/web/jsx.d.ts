// The library's elements as the page writes them in JSX: attributes and events that are used here, and no others.

import type { ComponentChildren, HTMLAttributes } from 'preact';

interface Base extends Omit<HTMLAttributes<HTMLElement>, 'size'> {
  readonly children?: ComponentChildren;
  readonly slot?: string;
  readonly onchange?: (event: Event) => void;
  readonly oninput?: (event: Event) => void;
}

interface Control extends Base {
  readonly label?: string;
  readonly hint?: string;
  readonly value?: string | number;
  readonly disabled?: boolean;
  readonly placeholder?: string;
}

declare module 'preact' {
  namespace JSX {
    interface IntrinsicElements {
      'wa-button': Base & {
        readonly variant?: 'neutral' | 'brand' | 'danger';
        readonly appearance?: 'accent' | 'outlined' | 'plain';
        readonly type?: 'button' | 'submit';
        readonly disabled?: boolean;
        readonly loading?: boolean;
        readonly href?: string;
        readonly download?: string;
      };
      'wa-copy-button': Base & { readonly value: string };
      'wa-icon': Base & { readonly name: string; readonly label?: string };
      'wa-input': Control & {
        readonly inputmode?: string;
        readonly autocomplete?: string;
        readonly maxlength?: number;
      };
      'wa-number-input': Control & {
        readonly min?: number;
        readonly max?: number;
        readonly step?: number | 'any';
        readonly inputmode?: 'numeric' | 'decimal';
      };
      'wa-option': Base & { readonly value: string };
      'wa-progress-bar': Base & { readonly value: number; readonly label: string };
      'wa-radio': Base & { readonly value: string; readonly appearance?: 'default' | 'button' };
      'wa-radio-group': Control & { readonly orientation?: 'horizontal' | 'vertical' };
      'wa-select': Control & { readonly multiple?: boolean; readonly 'with-clear'?: boolean };
      'wa-spinner': Base;
    }
  }
}
