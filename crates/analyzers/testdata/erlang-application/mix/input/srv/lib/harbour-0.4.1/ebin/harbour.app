{application,harbour,
             [{applications,[kernel,stdlib,elixir,logger,crypto]},
              {description,"A harbour: \"safe\""},
              {modules,['Elixir.Harbour']},
              {registered,[]},
              {vsn,"0.4.1-rc.1"},
              {mod,{'Elixir.Harbour',[]}}]}.
