// The candles of one series with the signals marked on them, drawn by lightweight-charts.
import { pattern_name } from "./patterns.js";
import { EMPTY, capital, local, price, count, utc } from "./text.js";

const { createChart, createSeriesMarkers, CandlestickSeries, HistogramSeries, LineSeries, ColorType, LineStyle } = window.LightweightCharts;
const WIDTH = 9; // pixels of a bar at first: wide enough to distinguish neighbouring marks
const DAYS = new Set(["1d", "3d", "1w", "1M"]);

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// The direction of a bar's mark: that of its strongest signal. Of equally strong ones the more frequent decides; where
// they contradict each other, none.
export function leading(signals) {
  const strength = Math.max(...signals.map((one) => one.strength));
  const strongest = signals.filter((one) => one.strength === strength);
  const number = (direction) => strongest.filter((one) => one.direction === direction).length;
  const [first, second] = ["bullish", "bearish", "neutral"].sort((a, b) => number(b) - number(a));
  return number(first) > number(second) ? first : "neutral";
}

export class Chart {
  constructor(place, legend) {
    this.place = place;
    this.legend = legend;
    this.shown = null; // the answer that is drawn
    this.pattern = "";
    this.chart = createChart(place, {
      autoSize: true,
      timeScale: { rightOffset: 3, tickMarkFormatter: (time, kind) => this.tick(time, kind) },
      rightPriceScale: { scaleMargins: { top: 0.08, bottom: 0.06 } },
      localization: { timeFormatter: (time) => this.time(time), priceFormatter: (value) => this.price(value) },
      handleScroll: { vertTouchDrag: false, mouseWheel: false }, // the page scrolls; pinching and dragging still work
      handleScale: { mouseWheel: false },
      kineticScroll: { touch: false, mouse: false },
    });
    this.candles = this.chart.addSeries(CandlestickSeries, { borderVisible: true });
    // Marks and volume have a pane of their own: no mark lies on a candle, and the prices' axis ends with the prices.
    const quiet = { lastValueVisible: false, priceLineVisible: false };
    this.volume = this.chart.addSeries(HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, ...quiet }, 1);
    this.volume.priceScale().applyOptions({ scaleMargins: { top: 0.34, bottom: 0 } });
    this.lane = this.chart.addSeries(LineSeries, { priceScaleId: "marks", lineVisible: false, crosshairMarkerVisible: false, ...quiet }, 1);
    this.lane.priceScale().applyOptions({ scaleMargins: { top: 0.06, bottom: 0.72 } });
    const [candles, below] = this.chart.panes();
    candles.setStretchFactor(4);
    below.setStretchFactor(1);
    this.markers = createSeriesMarkers(this.lane, []);
    this.lines = []; // series, one for each line
    this.chart.subscribeCrosshairMove((move) => this.show_legend(move.time));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.set_colours());
    this.set_colours();
  }

  set_colours() {
    this.chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: colour("--card") }, textColor: colour("--quiet"), fontFamily: "inherit",
        panes: { enableResize: false, separatorColor: colour("--line"), separatorHoverColor: colour("--line") } },
      grid: { vertLines: { color: colour("--line") }, horzLines: { color: colour("--line") } },
      timeScale: { borderColor: colour("--line") }, rightPriceScale: { borderColor: colour("--line") },
    });
    const [up, down] = [colour("--up"), colour("--down")];
    this.candles.applyOptions({ upColor: up, downColor: down, borderUpColor: up, borderDownColor: down, wickUpColor: up, wickDownColor: down });
    if (this.shown) this.draw(this.shown);
  }

  // The chart's time of a bar, in unix seconds.
  key(iso) {
    return Date.parse(iso) / 1000;
  }

  date(time) {
    return new Date(time * 1000);
  }

  // As text. Prices that are never negative have no negative places on their axis either.
  price(value) {
    return value < 0 && !this.negative ? "" : price(value);
  }

  // As text: the date of a daily or longer bar, which is a trading day; the local time of a shorter one.
  time(time) {
    return DAYS.has(this.shown?.timeframe) ? this.date(time).toISOString().slice(0, 10) : local(this.date(time));
  }

  tick(time, kind) {
    const zone = DAYS.has(this.shown?.timeframe) ? "UTC" : undefined;
    const as = [{ year: "numeric" }, { month: "short" }, { day: "numeric", month: "short" },
      { hour: "2-digit", minute: "2-digit", hour12: false }, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }][kind];
    return this.date(time).toLocaleString("en-GB", { ...as, timeZone: zone });
  }

  draw(answer) {
    const other = this.shown?.timeframe !== answer.timeframe;
    this.shown = answer;
    const [up, down] = [colour("--up-soft"), colour("--down-soft")];
    this.by_time = new Map(answer.bars.map((bar) => [this.key(bar.timestamp), { bar, signals: [] }]));
    if (answer.forming) this.by_time.set(this.key(answer.forming.timestamp), { bar: answer.forming, signals: [], forming: true });
    for (const signal of answer.signals) this.by_time.get(this.key(signal.timestamp))?.signals.push(signal);
    this.chart.applyOptions({ timeScale: { timeVisible: !DAYS.has(answer.timeframe), secondsVisible: answer.timeframe === "1s" } });
    const bars = answer.forming ? [...answer.bars, answer.forming] : answer.bars;
    this.negative = bars.some((bar) => bar.low < 0);
    this.lane.setData(bars.map((bar) => ({ time: this.key(bar.timestamp), value: 0 })));
    this.candles.setData(bars.map((bar) => ({ time: this.key(bar.timestamp), open: bar.open, high: bar.high, low: bar.low, close: bar.close, ...(bar === answer.forming && this.hollow(bar)) })));
    this.show_forming_price(answer.forming);
    this.volume.setData(bars.filter((bar) => bar.volume !== null).map((bar) => ({ time: this.key(bar.timestamp), value: bar.volume, color: bar.close >= bar.open ? up : down })));
    this.mark();
    this.draw_lines(answer.lines);
    const last = bars.length;
    if (other && last) this.chart.timeScale().setVisibleLogicalRange({ from: Math.max(-1, last - this.place.clientWidth / WIDTH), to: last + 2 });
    this.show_legend();
  }

  // The line of the last price has the colour of the last bar's body, which a forming bar does not have.
  show_forming_price(bar) {
    this.candles.applyOptions({ priceLineVisible: !bar, lastValueVisible: !bar });
    if (this.forming_price) this.candles.removePriceLine(this.forming_price);
    this.forming_price = bar && this.candles.createPriceLine({ price: bar.close, lineWidth: 1, lineStyle: LineStyle.Dashed,
      color: colour(bar.close >= bar.open ? "--up" : "--down") });
  }

  // A forming bar has no body, only its outline.
  hollow(bar) {
    const line = colour(bar.close >= bar.open ? "--up" : "--down");
    return { color: colour("--card"), borderColor: line, wickColor: line };
  }

  show_pattern(pattern) {
    this.pattern = pattern;
    if (this.shown) this.mark();
  }

  // What the signals of the chosen pattern saw.
  draw_lines(lines) {
    for (const series of this.lines) this.chart.removeSeries(series);
    this.lines = lines.map(({ points }) => {
      const series = this.chart.addSeries(LineSeries, { color: colour("--focus"), lineWidth: 2, lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: false });
      series.setData(points.map((point) => ({ time: this.key(point.timestamp), value: point.price })));
      return series;
    });
    this.place.dataset.lines = this.lines.length;
  }

  // One mark for each bar, however many patterns it has; the legend names them.
  mark() {
    const marks = [];
    for (const [time, { signals }] of this.by_time) {
      const chosen = signals.filter((one) => !this.pattern || one.pattern === this.pattern);
      if (!chosen.length) continue;
      const direction = leading(chosen);
      marks.push({
        time,
        position: "inBar",
        shape: { bullish: "arrowUp", bearish: "arrowDown", neutral: "circle" }[direction],
        color: colour({ bullish: "--up", bearish: "--down", neutral: "--quiet" }[direction]),
        size: direction === "neutral" ? 0.3 : 0.6,
      });
    }
    this.markers.setMarkers(marks);
    this.place.dataset.bars = this.shown.bars.length;
    this.place.dataset.forming = this.shown.forming ? "1" : "0";
    this.place.dataset.marks = marks.length;
  }

  // Describes the bar at `time`, or the last one.
  show_legend(time) {
    const last = this.shown?.forming ?? this.shown?.bars.at(-1);
    const found = this.by_time?.get(time) ?? (last && this.by_time.get(this.key(last.timestamp)));
    if (!found) return this.legend.replaceChildren("\u00a0");
    const { bar, signals, forming } = found;
    const when = document.createElement("time");
    when.dateTime = bar.timestamp;
    when.title = utc(new Date(bar.timestamp));
    when.textContent = this.time(this.key(bar.timestamp));
    const names = signals.map((one) => `${{ bullish: "▲", bearish: "▼", neutral: "●" }[one.direction]} ${pattern_name(one.pattern, one.direction)}${one.revised ? " (revised)" : ""}`).join("  ");
    const status = forming ? "  Forming" : bar.status === "processed" ? "" : `  ${capital(bar.status)}`;
    this.legend.replaceChildren(when, `  O ${price(bar.open)}  H ${price(bar.high)}  L ${price(bar.low)}  C ${price(bar.close)}  V ${bar.volume === null ? EMPTY : count(Math.round(bar.volume))}${status}  ${names}`);
  }
}
