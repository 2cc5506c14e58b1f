/** Where tiles go: pure geometry in CSS pixels. */

const WIDEST = 16 / 9;

/**
 * Best fit of `count` tiles in a box: the number of columns that gives the largest tiles. Tiles keep a shape between
 * `narrowest` and 16:9; the last row is centred. Returns {columns, rows, tiles: [{x, y, width, height}]}.
 */
export function gridLayout(count, width, height, gap, narrowest = width < height ? 0.75 : 1.2) {
  if (count <= 0 || width <= 0 || height <= 0) return { columns: 0, rows: 0, tiles: [] };
  let best = null;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const cellWidth = (width - gap * (columns - 1)) / columns;
    const cellHeight = (height - gap * (rows - 1)) / rows;
    if (cellWidth <= 0 || cellHeight <= 0) continue;
    const tile = shape(cellWidth, cellHeight, narrowest);
    const area = tile.width * tile.height;
    const waste = rows * columns - count;
    if (best === null || area > best.area * 1.02 || (area > best.area * 0.98 && waste < best.waste)) {
      best = { columns, rows, area, waste, ...tile };
    }
  }
  if (best === null) return { columns: 0, rows: 0, tiles: [] };
  return { columns: best.columns, rows: best.rows, tiles: placeRows(count, best, width, height, gap) };
}

function shape(cellWidth, cellHeight, narrowest) {
  const ratio = cellWidth / cellHeight;
  if (ratio > WIDEST) return { width: cellHeight * WIDEST, height: cellHeight };
  if (ratio < narrowest) return { width: cellWidth, height: cellWidth / narrowest };
  return { width: cellWidth, height: cellHeight };
}

function placeRows(count, best, width, height, gap) {
  const tiles = [];
  const top = (height - best.rows * best.height - gap * (best.rows - 1)) / 2;
  for (let index = 0; index < count; index += 1) {
    const row = Math.floor(index / best.columns);
    const inRow = row === best.rows - 1 ? count - row * best.columns : best.columns;
    const left = (width - inRow * best.width - gap * (inRow - 1)) / 2;
    tiles.push({
      x: Math.round(left + (index % best.columns) * (best.width + gap)),
      y: Math.round(top + row * (best.height + gap)),
      width: Math.floor(best.width),
      height: Math.floor(best.height),
    });
  }
  return tiles;
}

/**
 * A stage for one picture and a strip of small tiles: beside it in a wide box, under it in a narrow one.
 * Returns {stage, tiles, shown}; of `count` tiles the first `shown` fit.
 */
export function stageLayout(count, width, height, gap) {
  if (count === 0) return { stage: { x: 0, y: 0, width, height }, tiles: [], shown: 0 };
  return width >= height * 1.15 && width >= 640 ? besideStage(count, width, height, gap) : underStage(count, width, height, gap);
}

function besideStage(count, width, height, gap) {
  const usual = Math.min(260, Math.max(150, width * 0.19));
  const toFitAll = ((height + gap) / count - gap) * WIDEST;
  const tileWidth = Math.round(Math.max(150, Math.min(usual, toFitAll)));
  const tileHeight = Math.round(tileWidth / WIDEST);
  const shown = Math.max(1, Math.min(count, Math.floor((height + gap) / (tileHeight + gap))));
  const x = width - tileWidth;
  const top = Math.round((height - shown * tileHeight - gap * (shown - 1)) / 2);
  return {
    stage: { x: 0, y: 0, width: x - gap, height },
    tiles: Array.from({ length: shown }, (_, index) => ({ x, y: top + index * (tileHeight + gap), width: tileWidth, height: tileHeight })),
    shown,
  };
}

function underStage(count, width, height, gap) {
  const tileWidth = Math.floor(Math.min(200, Math.max(100, (width - 2 * gap) / 3)));
  const tileHeight = Math.round(Math.min(tileWidth * 0.75, height * 0.28));
  const shown = Math.max(1, Math.min(count, Math.floor((width + gap) / (tileWidth + gap))));
  const left = Math.round((width - shown * tileWidth - gap * (shown - 1)) / 2);
  const y = height - tileHeight;
  return {
    stage: { x: 0, y: 0, width, height: y - gap },
    tiles: Array.from({ length: shown }, (_, index) => ({ x: left + index * (tileWidth + gap), y, width: tileWidth, height: tileHeight })),
    shown,
  };
}
