import type { DataFrame, QueryResultMetaNotice } from '@grafana/data';
import { Icon, PanelChrome, Tooltip } from '@grafana/ui';
import { uniqBy } from 'lodash';
import React from 'react';

const ICONS = { info: 'info-circle', warning: 'exclamation-triangle', error: 'exclamation-triangle' } as const;

/** What the data source has to say about its answer: an icon each in the panel's header. */
export function Notices({ series }: { series: DataFrame[] }) {
  return (
    <>
      {noticesOf(series).map(({ severity, text }) => (
        <Tooltip key={text} content={text}>
          <PanelChrome.TitleItem aria-label={text}>
            <Icon name={ICONS[severity]} />
          </PanelChrome.TitleItem>
        </Tooltip>
      ))}
    </>
  );
}

export function noticesOf(series: DataFrame[]): QueryResultMetaNotice[] {
  return uniqBy(
    series.flatMap((frame) => frame.meta?.notices ?? []),
    ({ text }) => text
  );
}
